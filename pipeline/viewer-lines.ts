import type { Redis } from "ioredis";
import { viewerLinesKey } from "./redis-keys.ts";

/** Viewers tell every few seconds: in each stretch of this length, all that are there. */
const STRETCH_MS = 30_000;
const KEPT_MS = 3 * STRETCH_MS;

/** Of the viewers of a stream that measured their lines: how many, and how many of them have less than was asked about. */
export interface LineSurvey {
  readonly viewers: number;
  readonly slower: number;
}

/** What the lines of a stream's viewers carry, by their own word. Who is gone is forgotten within a minute. */
export class ViewerLines {
  readonly #redis: Redis;
  readonly #nowMs: () => number;

  constructor(redis: Redis, nowMs: () => number = Date.now) {
    this.#redis = redis;
    this.#nowMs = nowMs;
  }

  async note(stream: string, peer: string, downlinkKbps: number): Promise<void> {
    const key = viewerLinesKey(stream, this.#stretch());
    await this.#redis.multi().zadd(key, downlinkKbps, peer).pexpire(key, KEPT_MS).exec();
  }

  /** Of the last whole stretch of time. */
  async survey(stream: string, kbps: number): Promise<LineSurvey> {
    const key = viewerLinesKey(stream, this.#stretch() - 1);
    const [viewers, slower] = await Promise.all([
      this.#redis.zcard(key),
      this.#redis.zcount(key, "-inf", `(${kbps}`),
    ]);
    return { viewers, slower };
  }

  #stretch(): number {
    return Math.floor(this.#nowMs() / STRETCH_MS);
  }
}
