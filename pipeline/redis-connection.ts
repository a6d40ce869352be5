import { Redis, type RedisOptions } from "ioredis";
import { StarlingError } from "../core/index.ts";

const RECONNECT_DELAY_MAX_MS = 2000;
const UNIX_SCHEME = "unix:";

/**
 * Connects to Redis at `redis://…`, `rediss://…` or `unix:/path/redis.sock`.
 * A lost connection is retried for ever, with a delay that grows to 2 s, and commands wait for it;
 * the caller listens to "error" and logs. Throws StarlingError "redis-url".
 */
export function connectRedis(url: string): Redis {
  return connect(url, {
    // BullMQ's blocking commands outlive any fixed number of reconnections.
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_DELAY_MAX_MS),
  });
}

/** As connectRedis, but a connection that fails or is lost stays so, and its commands fail. */
export function connectRedisOnce(url: string): Redis {
  return connect(url, { retryStrategy: () => null });
}

function connect(url: string, options: RedisOptions): Redis {
  if (url.startsWith(`${UNIX_SCHEME}/`)) {
    return new Redis({ ...options, path: url.slice(UNIX_SCHEME.length) });
  }
  if (/^rediss?:\/\//.test(url)) return new Redis(url, options);
  throw new StarlingError(
    "redis-url",
    "Expected a Redis address such as redis://host:6379 or unix:/path/redis.sock.",
  );
}
