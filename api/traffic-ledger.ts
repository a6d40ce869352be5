import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { ViewerStats } from "../core/index.ts";

type ViewerCounts = Omit<ViewerStats, "downlinkKbps">;

/** Bytes and blocks of one stream since it was created, over all API processes. */
export interface Traffic extends ViewerCounts {
  /** Media bytes that the API processes sent over HTTP. */
  readonly httpBytes: number;
}

const FIELDS = [
  "httpBytes",
  "playedBytes",
  "fromPeersBytes",
  "fromSeedsBytes",
  "fromHttpBytes",
  "blocks",
  "missing",
  "rejected",
] as const satisfies readonly (keyof Traffic)[];

export const NO_TRAFFIC: Traffic = {
  httpBytes: 0,
  playedBytes: 0,
  fromPeersBytes: 0,
  fromSeedsBytes: 0,
  fromHttpBytes: 0,
  blocks: 0,
  missing: 0,
  rejected: 0,
};

const FLUSH_EVERY_MS = 1000;
/** A report that claims more than this since the last one is a lie or a bug. */
const REPORT_BYTES_MAX = 1_000_000_000;

/** Adds up in memory and writes to Redis once a second. */
export class TrafficLedger {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #pending = new Map<string, Record<keyof Traffic, number>>();

  constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
    this.#timer = setInterval(() => void this.#flush(), FLUSH_EVERY_MS);
  }

  add(stream: string, growth: Partial<Traffic>): void {
    const sums = this.#pending.get(stream) ?? { ...NO_TRAFFIC };
    for (const field of FIELDS) sums[field] += growth[field] ?? 0;
    this.#pending.set(stream, sums);
  }

  async totals(stream: string): Promise<Traffic> {
    const values = await this.#redis.hmget(trafficKey(stream), ...FIELDS);
    return Object.fromEntries(
      FIELDS.map((field, index) => [field, Number(values[index] ?? 0)]),
    ) as unknown as Traffic;
  }

  async forget(stream: string): Promise<void> {
    this.#pending.delete(stream);
    await this.#redis.del(trafficKey(stream));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#pending.size === 0) return;
    const pending = this.#pending;
    this.#pending = new Map();
    const batch = this.#redis.multi();
    for (const [stream, sums] of pending) {
      for (const field of FIELDS) {
        if (sums[field] > 0) batch.hincrby(trafficKey(stream), field, sums[field]);
      }
    }
    try {
      await batch.exec();
    } catch (error) {
      this.#log.warn({ err: error }, "traffic counts of one second were lost");
    }
  }
}

/** What a viewer's cumulative report adds to its last one: never negative, and nothing that cannot be. */
export function growthSince(last: ViewerCounts, report: ViewerCounts): Partial<ViewerCounts> {
  if (report.playedBytes - last.playedBytes > REPORT_BYTES_MAX) return {};
  const growth = (field: keyof ViewerCounts): number =>
    Math.min(REPORT_BYTES_MAX, Math.max(0, report[field] - last[field]));
  return {
    playedBytes: growth("playedBytes"),
    fromPeersBytes: growth("fromPeersBytes"),
    fromSeedsBytes: growth("fromSeedsBytes"),
    fromHttpBytes: growth("fromHttpBytes"),
    blocks: growth("blocks"),
    missing: growth("missing"),
    rejected: growth("rejected"),
  };
}

/**
 * 1 - origin media bytes / media bytes played (design word "offload"), 0..1; null before anything was
 * played. Plain HLS viewers report nothing: they play what HTTP sent beyond what mesh viewers fetched.
 */
export function offloadOf(traffics: readonly Traffic[]): number | null {
  const sum = (field: keyof Traffic): number =>
    traffics.reduce((total, traffic) => total + traffic[field], 0);
  const http = sum("httpBytes");
  const played = sum("playedBytes") + Math.max(0, http - sum("fromHttpBytes"));
  if (played === 0) return null;
  return Math.min(1, Math.max(0, 1 - (http + sum("fromSeedsBytes")) / played));
}

/** Hash: counter -> total. */
function trafficKey(stream: string): string {
  return `starling:stream:${stream}:traffic`;
}
