import { blockKey, instantMs, type ViewerStats } from "../../core/index.ts";
import { type MeshLimits, type Output, uploadBudget } from "../../mesh/index.ts";
import { type Identity, type Log, MeshSession } from "../index.ts";
import { DelaySummary } from "./delay-summary.ts";
import { nodePlatform } from "./node-platform.ts";
import { SegmentDelivery } from "./segment-delivery.ts";
import { SegmentOpener } from "./segment-opener.ts";
import { type PeerSegment, SegmentOrder } from "./segment-order.ts";

const STATS_INTERVAL_MS = 5000;

const UPLOAD_BYTES_PER_S = 4_000_000;
const DEFAULT_LIMITS: MeshLimits = {
  perPeerUploadBytesPerS: 2_000_000,
  cacheBytesMax: 64 * 1024 * 1024,
  maxDelayMs: 10_000,
};

export interface PeerOptions {
  /** Where the API is, for example "http://127.0.0.1:8080". */
  readonly apiUrl: string;
  readonly stream: string;
  /** Which one to watch; the first by default. */
  readonly rendition?: number | undefined;
  /** Of a relay: it carries the first so many renditions. `apiKey` has to vouch for it. By default no relay. */
  readonly relayedRenditions?: number | undefined;
  readonly log: Log;
  /** Takes each segment in the order of play, decrypted; the next one waits for the promise. */
  readonly onSegment: (segment: PeerSegment) => void | Promise<void>;
  /** Ends the watching. */
  readonly signal: AbortSignal;
  /** A segment that is not complete this long after its manifest came is passed over. */
  readonly maxDelayMs?: number | undefined;
  readonly limits?: Partial<MeshLimits> | undefined;
  /** What it sends to others, at the most. Default 4 MB/s. */
  readonly uploadBytesPerS?: number | undefined;
  /** Told every 5 s what the run came to so far. */
  readonly onReport?: ((report: PeerReport) => void) | undefined;
  /** An API key, for streams of access "backend". */
  readonly apiKey?: string | undefined;
  /** The origin's root key, base64url. */
  readonly rootKey?: string | undefined;
  /** By default a new one for each run. */
  readonly identity?: Identity | undefined;
  readonly bindAddress?: string | undefined;
}

/** What one run of a viewer came to. Null where there is nothing to measure. */
export interface PeerReport {
  /** From the call to the first media segment put out. */
  readonly startupMs: number | null;
  /** Segment complete at the origin to verified completion here, of segments since the start. */
  readonly delayP50Ms: number | null;
  readonly delayP99Ms: number | null;
  /** Media segments put out. */
  readonly segments: number;
  readonly missing: number;
  readonly playedBytes: number;
  readonly symbolsVerified: number;
  readonly duplicateBytes: number;
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  readonly fromHttpBytes: number;
  readonly uploadedBytes: number;
  /** Refusals by code. */
  readonly rejected: Readonly<Record<string, number>>;
}

/**
 * Watches a stream without a screen, until `signal` aborts: joins the mesh, pulls, verifies, and puts
 * out segments in the order of play. Throws StarlingError for what no waiting heals
 * ("api-unreachable" at the start, "stream-not-found", "api-key-missing", "content-token-needed",
 * "content-not-opened", "segments-not-taken"), and what `onSegment` throws.
 */
export async function runPeer(options: PeerOptions): Promise<PeerReport> {
  const viewer = new Viewer(options);
  await viewer.run();
  return viewer.report();
}

class Viewer {
  readonly #options: PeerOptions;
  readonly #limits: MeshLimits;
  readonly #order: SegmentOrder;
  readonly #delivery: SegmentDelivery;
  readonly #delays = new DelaySummary();
  readonly #startedAtMs = performance.now();
  readonly #startedAtUnixMs = Date.now();
  readonly #failure = new AbortController();
  /** Aborts at the end of the watching, whyever it comes. */
  readonly #signal: AbortSignal;
  #session: MeshSession | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startupMs: number | null = null;
  #segments = 0;
  #playedBytes = 0;

  constructor(options: PeerOptions) {
    this.#options = options;
    const maxDelayMs = options.maxDelayMs ?? DEFAULT_LIMITS.maxDelayMs;
    this.#limits = { ...DEFAULT_LIMITS, maxDelayMs, ...options.limits };
    this.#order = new SegmentOrder(this.#limits.maxDelayMs, options.rendition);
    this.#signal = AbortSignal.any([options.signal, this.#failure.signal]);
    const { apiUrl, stream, onSegment } = options;
    const opener = new SegmentOpener({ apiUrl, stream, token: () => this.#session?.token ?? "" });
    this.#delivery = new SegmentDelivery(
      async (segment) => {
        const opened = await opener.open(segment, this.#signal);
        if (opened !== undefined) await onSegment(opened);
      },
      (error) => this.#failure.abort(error),
    );
  }

  async run(): Promise<void> {
    const signal = this.#signal;
    const session = await this.#open(signal);
    if (session === undefined) return;
    const reporting = setInterval(() => this.#tell(session), STATS_INTERVAL_MS);
    try {
      await session.run(signal);
    } finally {
      clearInterval(reporting);
      clearTimeout(this.#timer);
      await this.#delivery.idle();
    }
    if (this.#failure.signal.aborted) throw this.#failure.signal.reason;
  }

  report(): PeerReport {
    const mesh = this.#session?.driver.mesh.stats;
    return {
      startupMs: rounded(this.#startupMs),
      delayP50Ms: rounded(this.#delays.quantile(0.5)),
      delayP99Ms: rounded(this.#delays.quantile(0.99)),
      segments: this.#segments,
      missing: this.#order.missing,
      playedBytes: this.#playedBytes,
      symbolsVerified: mesh?.symbolsVerified ?? 0,
      duplicateBytes: mesh?.duplicateBytes ?? 0,
      fromPeersBytes: mesh?.fromViewersBytes ?? 0,
      fromSeedsBytes: mesh?.fromSeedsBytes ?? 0,
      fromHttpBytes: this.#session?.fetchedBytes ?? 0,
      uploadedBytes: mesh?.uploadedBytes ?? 0,
      rejected: Object.fromEntries(mesh?.rejected ?? []),
    };
  }

  async #open(signal: AbortSignal): Promise<MeshSession | undefined> {
    const { apiUrl, stream, log, apiKey, rootKey, identity, bindAddress } = this.#options;
    const { uploadBytesPerS = UPLOAD_BYTES_PER_S, rendition = 0 } = this.#options;
    const { relayedRenditions = 0 } = this.#options;
    const onOutput = (output: Output): void => this.#take(output);
    try {
      this.#session = await MeshSession.open(
        {
          ...{ apiUrl, stream, log, apiKey, rootKey, identity },
          platform: nodePlatform({ bindAddress }),
          role: "viewer",
          relay: relayedRenditions > 0 ? true : undefined,
          renditions: [...new Set([rendition, ...Array(relayedRenditions).keys()])],
          uploads: uploadBudget(instantMs(Date.now()), uploadBytesPerS),
          limits: this.#limits,
          onOutput,
        },
        signal,
      );
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return this.#session;
  }

  #take(output: Output): void {
    const session = this.#session;
    if (session === undefined) return;
    const now = session.now();
    if (output.kind === "manifest") this.#order.announced(output.manifest);
    else if (output.kind === "missing") {
      this.#options.log.warn({ block: blockKey(output.block) }, "block given up");
      this.#order.lost(now, output.block);
    } else if (output.kind === "block") {
      this.#order.completed(now, output.manifest, output.bytes);
    }
    this.#playOn();
  }

  #playOn(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (let segment = this.#order.poll(); segment !== undefined; segment = this.#order.poll()) {
      this.#play(segment);
    }
    clearTimeout(this.#timer);
    const at = this.#order.pollTimeout();
    if (at === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#order.handleTimeout(session.now());
        this.#playOn();
      },
      Math.max(0, Math.ceil(at - session.now())),
    );
  }

  #play(segment: PeerSegment): void {
    if (!segment.init) {
      this.#startupMs ??= performance.now() - this.#startedAtMs;
      this.#segments++;
      this.#playedBytes += segment.bytes.length;
      // What was complete before this viewer came says nothing of how fast it gets what is live.
      const isLive = segment.manifests[0].completedAtMs > this.#startedAtUnixMs;
      if (isLive) this.#delays.add(segment.delayMs);
    }
    this.#delivery.put(segment);
  }

  #tell(session: MeshSession): void {
    const report = this.report();
    session.report(viewerStatsOf(report));
    this.#options.onReport?.(report);
  }
}

function viewerStatsOf(report: PeerReport): ViewerStats {
  const { playedBytes, fromPeersBytes, fromSeedsBytes, fromHttpBytes, segments, missing } = report;
  return {
    ...{ playedBytes, fromPeersBytes, fromSeedsBytes, fromHttpBytes, missing },
    blocks: segments,
    rejected: Object.values(report.rejected).reduce((sum, count) => sum + count, 0),
  };
}

/** To a tenth of a millisecond: more is noise. */
function rounded(valueMs: number | null): number | null {
  return valueMs === null ? null : Math.round(valueMs * 10) / 10;
}
