import type { Redis } from "ioredis";
import { z } from "zod";
import { childLogKey } from "./redis-keys.ts";

const KEPT_S = 86_400;
const linesSchema = z.array(z.string());

/** The last lines that the ffmpeg of each stream wrote, kept for a day after the last of them. */
export class ChildLogs {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Replaces the lines of a stream. */
  async write(stream: string, lines: readonly string[]): Promise<void> {
    await this.#redis.set(childLogKey(stream), JSON.stringify(lines), "EX", KEPT_S);
  }

  /** Oldest first; none when nothing was said. */
  async read(stream: string): Promise<string[]> {
    const lines = await this.#redis.get(childLogKey(stream));
    return lines === null ? [] : linesSchema.parse(JSON.parse(lines));
  }
}
