import {
  errorCode,
  instantMs,
  loadBestKernel,
  type Manifest,
  StarlingError,
} from "../core/index.ts";
import { type MeshHealth, type Output, type Tuning, uploadBudget } from "../mesh/index.ts";
import { abortableDelay, BackOff, isFinalRefusal, MeshSession, silentLog } from "../peer/index.ts";
import { browserPlatform } from "./browser-platform.ts";
import { Emitter } from "./emitter.ts";
import { SegmentStore, type VerifiedSegment } from "./segment-store.ts";

const REPORT_EVERY_MS = 5000;
/** A mesh that announced nothing for this long is not waited for. */
const QUIET_MS_MAX = 4000;
const BITS_PER_BYTE = 8;

export interface ViewerOptions {
  /** Where the origin's API is, for example "https://live.example". */
  readonly apiUrl: string;
  readonly stream: string;
  /** Where join tokens are asked for instead: a backend that passes the request on with its API key. */
  readonly tokenUrl?: string | undefined;
  /** What this viewer sends to others at the most; 0: nothing. Default 6,000,000. */
  readonly uploadBitsPerSMax?: number | undefined;
  /** A segment that is not complete this long after its release is given up. Default 6,000. */
  readonly maxDelayMs?: number | undefined;
  /** Connect through TURN servers only, so that no peer learns the viewer's address. Default false. */
  readonly relayOnly?: boolean | undefined;
  /** WebRTC connections at a time. Default 32. */
  readonly connectionsMax?: number | undefined;
  /** Memory for blocks. Default 64,000,000. */
  readonly cacheBytesMax?: number | undefined;
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
  readonly missing: { readonly sequence: number };
  /** A neighbour proved who it is. */
  readonly neighbour: { readonly id: string; readonly role: "viewer" | "seed" };
  /** Something of a neighbour was refused, and never used. `code` is stable (PROTOCOL.md, "Refusals"). */
  readonly rejected: { readonly neighbour: string; readonly code: string; readonly detail: string };
  /** The mesh cannot be joined. It is tried again unless `isFinal`. */
  readonly error: { readonly code: string; readonly detail: string; readonly isFinal: boolean };
}

/** Counts since the start, and how it does now. */
export interface ViewerReport {
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  /** What was told by `countHttp`, and blocks that the mesh fetched. */
  readonly fromHttpBytes: number;
  readonly uploadedBytes: number;
  readonly blocks: number;
  readonly missing: number;
  /** Refusals by code. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly neighbours: MeshHealth["neighbours"];
}

/**
 * A peer of one stream's mesh in a browser: hands out verified segments. What it shows of them, and what
 * it does about those that do not come, is the player's business.
 */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #events = new Emitter<ViewerEvents>();
  readonly #store: SegmentStore;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #session: MeshSession | undefined;
  #httpBytes = 0;
  #playedBytes = 0;
  #announcedAtMs = Number.NEGATIVE_INFINITY;

  /** Listens with `on`, then `start`. */
  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#store = new SegmentStore(options.cacheBytesMax ?? 64_000_000);
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
    this.#events.clear();
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
   * Tells of media bytes that the player got over HTTP, or of some of a segment. With a whole segment it
   * goes on to those neighbours that lack it, once its manifest says that it is right.
   */
  countHttp(byteLength: number, whole?: { sequence: number; bytes: Uint8Array }): void {
    this.#httpBytes += byteLength;
    const manifest = whole && this.#store.wanted(whole.sequence);
    if (manifest === undefined || whole === undefined || this.#session === undefined) return;
    const { block } = manifest;
    this.#session.driver.input({ kind: "fetched", block, bytes: whole.bytes });
  }

  /** Tells of media bytes that were given to the player, from wherever. */
  countPlayed(byteLength: number): void {
    this.#playedBytes += byteLength;
  }

  report(): ViewerReport {
    const session = this.#session;
    const mesh = session?.driver.mesh;
    return {
      fromPeersBytes: mesh?.stats.fromViewersBytes ?? 0,
      fromSeedsBytes: mesh?.stats.fromSeedsBytes ?? 0,
      fromHttpBytes: this.#httpBytes + (session?.fetchedBytes ?? 0),
      uploadedBytes: mesh?.stats.uploadedBytes ?? 0,
      blocks: mesh?.stats.blocks ?? 0,
      missing: mesh?.stats.missing ?? 0,
      rejected: Object.fromEntries(mesh?.stats.rejected ?? []),
      neighbours: session === undefined ? [] : session.driver.mesh.health(session.now()).neighbours,
    };
  }

  readonly #onPageHide = (): void => void this.close();

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const backOff = new BackOff();
    while (!signal.aborted) {
      try {
        await this.#watch(signal);
        backOff.reset();
      } catch (error) {
        if (signal.aborted) return;
        const code = errorCode(error) ?? "unexpected";
        const isFinal = isFinalRefusal(code);
        const detail = error instanceof StarlingError ? error.message : String(error);
        this.#events.emit("error", { code, detail, isFinal });
        if (isFinal) return;
      }
      await abortableDelay(backOff.next(), signal);
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { apiUrl, stream, tokenUrl, relayOnly, connectionsMax, tuning } = this.#options;
    const { uploadBitsPerSMax = 6_000_000, maxDelayMs = 6000 } = this.#options;
    const uploadBytesPerS = uploadBitsPerSMax / BITS_PER_BYTE;
    await loadBestKernel(); // Off this thread, so that the first block does not compile it here.
    const session = await MeshSession.open(
      {
        ...{ apiUrl, stream, tokenUrl, tuning },
        connectionsMax: connectionsMax ?? 32,
        platform: browserPlatform({ relayOnly }),
        role: "viewer",
        log: silentLog,
        uploads: uploadBudget(instantMs(Date.now()), uploadBytesPerS),
        limits: {
          perPeerUploadBytesPerS: uploadBytesPerS,
          cacheBytesMax: this.#options.cacheBytesMax ?? 64_000_000,
          maxDelayMs,
        },
        onOutput: (output) => this.#take(output),
      },
      signal,
    );
    this.#session = session;
    const reporting = setInterval(() => this.#tell(session), REPORT_EVERY_MS);
    try {
      await session.run(signal);
    } finally {
      clearInterval(reporting);
    }
  }

  #take(output: Output): void {
    const nowMs = performance.now();
    if (output.kind === "manifest") {
      this.#announcedAtMs = nowMs;
      this.#store.announced(nowMs, output.manifest);
      this.#events.emit("announced", output.manifest);
    } else if (output.kind === "block") {
      const segment = this.#store.completed(nowMs, output.manifest, output.bytes);
      if (segment !== undefined) this.#events.emit("segment", segment);
    } else if (output.kind === "missing") {
      this.#store.lost(output.block);
      this.#events.emit("missing", { sequence: output.block.sequence });
    } else if (output.kind === "ready") {
      this.#events.emit("neighbour", { id: output.neighbour, role: output.role });
    } else if (output.kind === "rejected") {
      const { neighbour, code, detail } = output;
      this.#events.emit("rejected", { neighbour, code, detail });
    }
  }

  #tell(session: MeshSession): void {
    const { fromPeersBytes, fromSeedsBytes, fromHttpBytes, blocks, missing, rejected } =
      this.report();
    session.report({
      ...{ fromPeersBytes, fromSeedsBytes, fromHttpBytes, blocks, missing },
      playedBytes: this.#playedBytes,
      rejected: Object.values(rejected).reduce((sum, count) => sum + count, 0),
    });
  }
}
