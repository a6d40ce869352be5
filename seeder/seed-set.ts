import type { Logger } from "pino";

const STREAMS_WARNED_EVERY_MS = 60_000;

/** What the set needs of a seed peer. */
export interface Seed {
  readonly stats: {
    readonly peers: number;
    readonly blocksPublished: number;
    readonly bytesSent: number;
  };
  close(): Promise<void>;
}

export interface SeedSetOptions {
  readonly streamsMax: number;
  /** How long a stream without a publisher is kept. */
  readonly leaveAfterMs: number;
  readonly start: (stream: string) => Seed;
  readonly log: Logger;
}

/** The seed peers of one process, one for each stream that is live or was a moment ago. */
export class SeedSet {
  readonly #options: SeedSetOptions;
  readonly #seeds = new Map<string, { readonly seed: Seed; liveAtMs: number }>();
  #warnedAtMs = Number.NEGATIVE_INFINITY;
  /** What the seeds that are gone have sent and published. */
  #past = { blocksPublished: 0, bytesSent: 0 };

  constructor(options: SeedSetOptions) {
    this.#options = options;
  }

  /** Sums over all streams, for the role's report. */
  get stats(): {
    readonly streams: number;
    readonly peers: number;
    readonly blocksPublished: number;
    readonly bytesSent: number;
  } {
    let { blocksPublished, bytesSent } = this.#past;
    let peers = 0;
    for (const { seed } of this.#seeds.values()) {
      peers += seed.stats.peers;
      blocksPublished += seed.stats.blocksPublished;
      bytesSent += seed.stats.bytesSent;
    }
    return { streams: this.#seeds.size, peers, blocksPublished, bytesSent };
  }

  /** Joins the streams that are live at `nowMs` (a monotonic clock), leaves those that are over. */
  async update(live: ReadonlySet<string>, nowMs: number): Promise<void> {
    for (const stream of live) {
      const known = this.#seeds.get(stream);
      if (known !== undefined) known.liveAtMs = nowMs;
      else if (this.#seeds.size < this.#options.streamsMax) {
        this.#seeds.set(stream, { seed: this.#options.start(stream), liveAtMs: nowMs });
      } else this.#warn(nowMs, live.size);
    }
    const over = [...this.#seeds].filter(
      ([, { liveAtMs }]) => nowMs - liveAtMs > this.#options.leaveAfterMs,
    );
    await Promise.all(over.map(([stream]) => this.#leave(stream)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#seeds.keys()].map((stream) => this.#leave(stream)));
  }

  async #leave(stream: string): Promise<void> {
    const seed = this.#seeds.get(stream)?.seed;
    if (seed === undefined) return;
    this.#seeds.delete(stream);
    await seed.close();
    this.#past = {
      blocksPublished: this.#past.blocksPublished + seed.stats.blocksPublished,
      bytesSent: this.#past.bytesSent + seed.stats.bytesSent,
    };
    this.#options.log.info({ stream }, "left the stream");
  }

  #warn(nowMs: number, liveCount: number): void {
    if (nowMs - this.#warnedAtMs < STREAMS_WARNED_EVERY_MS) return;
    this.#warnedAtMs = nowMs;
    const { log, streamsMax } = this.#options;
    log.warn(
      { liveCount, streamsMax },
      "more live streams than fit into memory: start a seeder more",
    );
  }
}
