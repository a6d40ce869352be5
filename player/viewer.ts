import type { Manifest } from "../core/index.ts";
import type { Tuning } from "../mesh/index.ts";
import { abortableDelay, BackOff } from "../peer/index.ts";
import { Emitter } from "./emitter.ts";
import type { FromMesh, MeshOrder, MeshReport } from "./mesh-messages.ts";
import { type MeshThread, startMeshThread } from "./mesh-thread.ts";
import { type Place, SegmentStore, type VerifiedSegment } from "./segment-store.ts";
import type { ViewerReport } from "./viewer-report.ts";

const REPORT_EVERY_MS = 5000;
/** A mesh that announced nothing for this long is not waited for. */
const QUIET_MS_MAX = 4000;
const BITS_PER_BYTE = 8;
/** How long goodbyes may take. */
const CLOSE_MS_MAX = 3000;

export interface ViewerOptions {
  /** Where the origin's API is, for example "https://live.example". */
  readonly apiUrl: string;
  readonly stream: string;
  /** Which rendition to follow at first, by its number in the address of its playlist. Default 0, the best. */
  readonly rendition?: number | undefined;
  /** Where join tokens are asked for instead: a backend that passes the request on with its API key. */
  readonly tokenUrl?: string | undefined;
  /** The origin's root key, base64url: only signing keys that it certified are believed. */
  readonly rootKey?: string | undefined;
  /** What this viewer sends to others at the most; 0: nothing. Default 20,000,000. */
  readonly uploadBitsPerSMax?: number | undefined;
  /** How much of the line's measured uplink that is at the most, 0..1. Default 0.8. */
  readonly uploadShare?: number | undefined;
  /** A segment that is not complete this long after its release is given up. Default 6,000. */
  readonly maxDelayMs?: number | undefined;
  /** What the viewer's line carries at the least, kb/s, for the broadcaster to know. */
  readonly downlinkKbps?: (() => number) | undefined;
  /** Connect through TURN servers only, so that no peer learns the viewer's address. Default false. */
  readonly relayOnly?: boolean | undefined;
  /** WebRTC connections at a time. Default 32. */
  readonly connectionsMax?: number | undefined;
  /** Memory for blocks. Default 64,000,000. */
  readonly cacheBytesMax?: number | undefined;
  /** Where `mesh.worker.js` is. By default beside this module, which is where bundlers put it. */
  readonly workerUrl?: string | undefined;
  /** How the mesh is tuned; the defaults are measured. */
  readonly tuning?: Partial<Tuning> | undefined;
}

/** What a viewer tells of. */
export interface ViewerEvents {
  /** The manifest of a block was verified. */
  readonly announced: Manifest;
  /** A media segment is complete and verified. */
  readonly segment: VerifiedSegment;
  /** A segment was given up. */
  readonly missing: Place;
  /** A neighbour proved who it is. */
  readonly neighbour: { readonly id: string; readonly role: "viewer" | "seed" };
  /** Something of a neighbour was refused, and never used. `code` is stable (PROTOCOL.md, "Refusals"). */
  readonly rejected: { readonly neighbour: string; readonly code: string; readonly detail: string };
  /** The join token from now on. */
  readonly token: string;
  /** The mesh cannot be joined. It is tried again unless `isFinal`. */
  readonly error: { readonly code: string; readonly detail: string; readonly isFinal: boolean };
}

const NO_REPORT: MeshReport = {
  fromPeersBytes: 0,
  fromSeedsBytes: 0,
  fetchedBytes: 0,
  uploadedBytes: 0,
  uploadBytesPerSMax: 0,
  blocks: 0,
  missing: 0,
  rejected: {},
  neighbours: [],
};

/**
 * A peer of one stream's mesh in a browser: hands out verified segments. What it shows of them, and what
 * it does about those that do not come, is the player's business.
 */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #events = new Emitter<ViewerEvents>();
  /** Of the rendition that is followed. */
  #store: SegmentStore;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #thread: MeshThread | undefined;
  #farewell: Uint8Array | undefined;
  #report = NO_REPORT;
  #onClosed: () => void = () => undefined;
  #httpBytes = 0;
  #playedBytes = 0;
  #announcedAtMs = Number.NEGATIVE_INFINITY;

  /** Listens with `on`, then `start`. */
  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#store = this.#createStore(options.rendition ?? 0);
  }

  /** Listens to an event until the function it gives is called. */
  on: Emitter<ViewerEvents>["on"] = (name, listener) => this.#events.on(name, listener);

  /** Joins the mesh, and joins it again after trouble, until `close`. */
  start(): void {
    // Neighbours would wait for seconds for the signs of life of a page that is gone.
    globalThis.addEventListener("pagehide", this.#onPageHide);
    this.#running ??= this.#run();
  }

  /** Says goodbye and frees every connection. */
  async close(): Promise<void> {
    globalThis.removeEventListener("pagehide", this.#onPageHide);
    this.#stop.abort();
    await this.#running;
    this.#report = { ...this.#report, neighbours: [] };
    this.#events.clear();
  }

  /** The rendition that is followed: segments come of no other. */
  get rendition(): number {
    return this.#store.rendition;
  }

  /** Follows another rendition, from this media segment on. What is here of the one before is forgotten. */
  follow({ rendition, sequence }: Place): void {
    if (rendition === this.rendition) return;
    this.#store = this.#createStore(rendition);
    this.#announcedAtMs = Number.NEGATIVE_INFINITY;
    this.#thread?.tell({ kind: "follow", rendition, sequence });
  }

  /** A verified media segment of the live window, by its EXT-X-MEDIA-SEQUENCE number. */
  segment(sequence: number): VerifiedSegment | undefined {
    return this.#store.segment(sequence);
  }

  /** A verified init segment, by the number in its name. */
  init(sequence: number): Uint8Array | undefined {
    return this.#store.init(sequence);
  }

  /** Whether a segment that is not here may come: the mesh is not quiet, and did not give it up. */
  isComing(sequence: number): boolean {
    const isQuiet = performance.now() - this.#announcedAtMs > QUIET_MS_MAX;
    return !isQuiet && this.#store.isComing(sequence);
  }

  /**
   * Has what a segment lacks fetched from the origin at once, if it is one block. Whether it is: such a segment was announced and
   * not given up.
   */
  fetchNow(sequence: number): boolean {
    const manifest = this.#store.wanted(sequence);
    if (manifest === undefined || this.#thread === undefined) return false;
    this.#thread.tell({ kind: "fetchNow", block: manifest.block });
    return true;
  }

  /**
   * Tells of media bytes that the player got over HTTP, or of some of a segment. A whole segment
   * goes on to those neighbours that lack it, once its manifest says that it is right.
   */
  countHttp(byteLength: number, whole?: { sequence: number; bytes: Uint8Array }): void {
    this.#httpBytes += byteLength;
    const manifest = whole && this.#store.wanted(whole.sequence);
    if (manifest === undefined || whole === undefined) return;
    const bytes = whole.bytes.slice();
    this.#thread?.tell({ kind: "fetched", block: manifest.block, start: 0, bytes }, [bytes.buffer]);
  }

  /** Tells of media bytes that were given to the player, from wherever. */
  countPlayed(byteLength: number): void {
    this.#playedBytes += byteLength;
  }

  #createStore(rendition: number): SegmentStore {
    return new SegmentStore(this.#options.cacheBytesMax ?? 64_000_000, rendition);
  }

  report(): ViewerReport {
    const { fetchedBytes, uploadBytesPerSMax, ...report } = this.#report;
    return {
      ...report,
      uploadBitsPerSMax: uploadBytesPerSMax * BITS_PER_BYTE,
      fromHttpBytes: this.#httpBytes + fetchedBytes,
      isInWorker: this.#thread?.isWorker === true,
    };
  }

  readonly #onPageHide = (): void => {
    // There is no time left to ask the worker.
    if (this.#farewell !== undefined) this.#thread?.connections.sendToAll(this.#farewell);
    void this.close();
  };

  /** Runs the peer until `close`, or until it is refused for good. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve;
    });
    const thread = await this.#start(signal);
    if (thread === undefined) return;
    this.#thread = thread;
    thread.tell({ kind: "open", order: this.#order() });
    const reporting = setInterval(() => this.#tell(thread), REPORT_EVERY_MS);
    const onStop = (): void => {
      thread.tell({ kind: "close" });
      setTimeout(this.#onClosed, CLOSE_MS_MAX);
    };
    signal.addEventListener("abort", onStop);
    if (signal.aborted) onStop();
    await closed;
    clearInterval(reporting);
    thread.end();
    this.#thread = undefined;
  }

  /** Loads the code of the peer; tries again until `signal` aborts. */
  async #start(signal: AbortSignal): Promise<MeshThread | undefined> {
    const { workerUrl, relayOnly } = this.#options;
    const backOff = new BackOff();
    while (!signal.aborted) {
      try {
        return await startMeshThread({
          ...{ workerUrl, relayOnly },
          onMessage: (message) => this.#take(message),
        });
      } catch (error) {
        const detail = `The code of the peer cannot be loaded: ${String(error)}`;
        this.#events.emit("error", { code: "mesh-not-loaded", detail, isFinal: false });
      }
      await abortableDelay(backOff.next(), signal);
    }
    return undefined;
  }

  #order(): MeshOrder {
    const { apiUrl, stream, tokenUrl, rootKey } = this.#options;
    const { uploadBitsPerSMax = 20_000_000, uploadShare = 0.8 } = this.#options;
    const absolute = (url: string): string => new URL(url, document.baseURI).href;
    return {
      apiUrl: absolute(apiUrl),
      stream,
      rendition: this.rendition,
      tokenUrl: tokenUrl === undefined ? undefined : absolute(tokenUrl),
      rootKey,
      uploadBytesPerS: uploadShare > 0 ? uploadBitsPerSMax / BITS_PER_BYTE : 0,
      uploadShare: Math.min(uploadShare, 1),
      maxDelayMs: this.#options.maxDelayMs ?? 6000,
      connectionsMax: this.#options.connectionsMax ?? 32,
      cacheBytesMax: this.#options.cacheBytesMax ?? 64_000_000,
      tuning: this.#options.tuning,
    };
  }

  #take(message: FromMesh): void {
    const nowMs = performance.now();
    switch (message.kind) {
      case "manifest":
        if (message.manifest.block.rendition !== this.rendition) break; // It was followed until now.
        this.#announcedAtMs = nowMs;
        this.#store.announced(nowMs, message.manifest);
        this.#events.emit("announced", message.manifest);
        break;
      case "block": {
        const segment = this.#store.completed(nowMs, message);
        if (segment !== undefined) this.#events.emit("segment", segment);
        break;
      }
      case "missing":
        this.#store.lost(message.block);
        this.#events.emit("missing", message.block);
        break;
      case "ready":
        this.#events.emit("neighbour", { id: message.neighbour, role: message.role });
        break;
      case "rejected": {
        const { neighbour, code, detail } = message;
        this.#events.emit("rejected", { neighbour, code, detail });
        break;
      }
      case "error": {
        const { code, detail, isFinal } = message;
        this.#events.emit("error", { code, detail, isFinal });
        break;
      }
      case "token":
        this.#events.emit("token", message.token);
        break;
      case "report":
        this.#report = message.report;
        break;
      case "farewell":
        this.#farewell = message.message;
        break;
      case "closed":
        this.#onClosed();
        break;
      case "running":
        break;
      default:
        message satisfies never;
    }
  }

  #tell(thread: MeshThread): void {
    const { fromPeersBytes, fromSeedsBytes, fromHttpBytes, blocks, missing, rejected } =
      this.report();
    const stats = {
      ...{ fromPeersBytes, fromSeedsBytes, fromHttpBytes, blocks, missing },
      playedBytes: this.#playedBytes,
      downlinkKbps: this.#options.downlinkKbps?.(),
      rejected: Object.values(rejected).reduce((sum, count) => sum + count, 0),
    };
    thread.tell({ kind: "stats", stats });
  }
}
