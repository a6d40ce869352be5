import type { Redis } from "ioredis";
import { z } from "zod";
import { type BlockId, blockKey, INIT_PART, parseBlockKey, RENDITIONS_MAX } from "../core/index.ts";
import { manifestIndexKey, manifestLogKey, timelineKeys } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";
import { TIMELINE_RECORDS_MAX } from "./timeline.ts";

/** One published manifest. `cursor` is its place in the log: follow() goes on after it. */
export interface LogEntry {
  readonly block: BlockId;
  readonly jws: string;
  readonly cursor: string;
}

/** The cursor before the first entry; "$" is the one after the newest. */
export const LOG_START = "0";
const BLOCK_MS = 2000;
const BATCH_MAX = 256;

/**
 * KEYS index, log, timeline state; ARGV block key, sequence, oldest field of the state, jws, log max.
 * Answers 1, or 0 when the block has a manifest or is trimmed.
 */
const publishScript = new RedisScript(
  "publish-manifest",
  `
local index, log, state = unpack(KEYS)
if tonumber(ARGV[2]) < tonumber(redis.call("HGET", state, ARGV[3]) or 0) then return 0 end
if redis.call("HSETNX", index, ARGV[1], "") == 0 then return 0 end
local cursor = redis.call("XADD", log, "MAXLEN", "~", ARGV[5], "*", "block", ARGV[1], "jws", ARGV[4])
redis.call("HSET", index, ARGV[1], cursor)
return 1
`,
);

/** KEYS index, log; ARGV block key. Answers the log's entry, if any. */
const getScript = new RedisScript(
  "get-manifest",
  `
local cursor = redis.call("HGET", KEYS[1], ARGV[1])
if not cursor then return {} end
return redis.call("XRANGE", KEYS[2], cursor, cursor)
`,
);

/** The manifests of every stream in the order of publication, as a Redis Stream each. */
export class ManifestLog {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Publishes a block's manifest, once for ever: false when it has one or is trimmed already. */
  async publish(stream: string, block: BlockId, jws: string): Promise<boolean> {
    const { state } = timelineKeys(stream);
    const answer = await publishScript.run(
      this.#redis,
      [manifestIndexKey(stream), manifestLogKey(stream), state],
      blockKey(block),
      block.sequence,
      block.part === INIT_PART ? "oldest-init" : "oldest",
      jws,
      TIMELINE_RECORDS_MAX * RENDITIONS_MAX,
    );
    return answer === 1;
  }

  /** The block's manifest as a compact JWS. */
  async get(stream: string, block: BlockId): Promise<string | undefined> {
    const keys = [manifestIndexKey(stream), manifestLogKey(stream)];
    const [entry] = entriesOf(await getScript.run(this.#redis, keys, blockKey(block)));
    return entry?.jws;
  }

  /** The newest `count` entries, oldest first. */
  async recent(stream: string, count: number): Promise<LogEntry[]> {
    const limit = Math.min(count, TIMELINE_RECORDS_MAX);
    const newest = await this.#redis.xrevrange(manifestLogKey(stream), "+", "-", "COUNT", limit);
    return entriesOf(newest).reverse();
  }

  /**
   * Every entry after `cursor`, and then each new one as it is published, until `signal` aborts.
   * Costs one Redis connection of its own.
   */
  async *follow(stream: string, cursor: string, signal: AbortSignal): AsyncGenerator<LogEntry> {
    if (signal.aborted) return;
    const key = manifestLogKey(stream);
    const redis = this.#redis.duplicate();
    // An outage shows on the shared connection; this one just reads on when Redis is back.
    redis.on("error", () => {});
    const stop = () => redis.disconnect();
    signal.addEventListener("abort", stop, { once: true });
    let at = cursor === "$" ? await this.#newestCursor(key) : cursor;
    try {
      while (!signal.aborted) {
        const answer = await redis.xread("COUNT", BATCH_MAX, "BLOCK", BLOCK_MS, "STREAMS", key, at);
        for (const entry of entriesOf(answer?.[0]?.[1] ?? [])) {
          at = entry.cursor;
          yield entry;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      redis.disconnect();
    }
  }

  async #newestCursor(key: string): Promise<string> {
    const [newest] = await this.#redis.xrevrange(key, "+", "-", "COUNT", 1);
    return newest?.[0] ?? LOG_START;
  }
}

/** [cursor, ["block", key, "jws", jws]] as Redis answers it. */
const entrySchema = z.tuple([
  z.string(),
  z.tuple([z.literal("block"), z.string(), z.literal("jws"), z.string()]),
]);

function entriesOf(answer: unknown): LogEntry[] {
  return z
    .array(entrySchema)
    .parse(answer)
    .map(([cursor, [, key, , jws]]) => ({ cursor, block: parseBlockKey(key), jws }));
}
