import { join } from "node:path";
import { connectRedis, LOG_START, ManifestLog } from "../pipeline/index.ts";
import type { OriginProcess } from "./origin-process.ts";

/** When the first part of each segment of a stream was released to the seeders, by its sequence. */
export class ReleaseTimes {
  readonly releasedAtMs: Map<number, number> = new Map();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(origin: OriginProcess, stream: string) {
    this.#following = this.#follow(`unix:${join(origin.dataDir, "redis", "redis.sock")}`, stream);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  async #follow(redisUrl: string, stream: string): Promise<void> {
    const redis = connectRedis(redisUrl);
    try {
      const log = new ManifestLog(redis).follow(stream, LOG_START, this.#stop.signal);
      for await (const { block } of log) {
        if (block.part === 0) this.releasedAtMs.set(block.sequence, Date.now());
      }
    } finally {
      redis.disconnect();
    }
  }
}
