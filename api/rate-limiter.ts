import type { Response } from "express";
import type { Redis } from "ioredis";
import type { Rate } from "../core/index.ts";
import { RedisScript } from "../pipeline/index.ts";
import { refusal } from "./problems.ts";

/**
 * KEYS bucket; ARGV burst, per second. Takes one if it is there. Answers whether it was, what is left, and
 * the milliseconds until one is there again and until all are.
 */
const takeScript = new RedisScript(
  "take",
  `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2]) / 1000
local kept = redis.call("HMGET", KEYS[1], "level", "at")
local level = math.min(burst, (tonumber(kept[1]) or burst) + math.max(0, now - (tonumber(kept[2]) or now)) * rate)
local taken = 0
if level >= 1 then taken, level = 1, level - 1 end
redis.call("HSET", KEYS[1], "level", tostring(level), "at", now)
redis.call("PEXPIRE", KEYS[1], math.ceil(burst / rate) + 1000)
return { taken, math.floor(level), math.ceil(math.max(0, 1 - level) / rate), math.ceil((burst - level) / rate) }
`,
);

/** Token buckets that all API processes share, told in the headers of draft-ietf-httpapi-ratelimit-headers. */
export class RateLimiter {
  readonly #redis: Redis;
  readonly #name: string;

  /** `name` is the policy's, as the headers tell it. */
  constructor(redis: Redis, name: string) {
    this.#redis = redis;
    this.#name = name;
  }

  /** Takes one from the bucket of `owner`. Throws StarlingError "too-many-requests" when it is empty. */
  async take(response: Response, owner: string, { burst, perSecond }: Rate): Promise<void> {
    const key = `starling:limit:${this.#name}:${owner}`;
    const answer = await takeScript.run(this.#redis, [key], burst, perSecond);
    const [taken = 0, left = 0, nextMs = 0, fullMs = 0] = answer as number[];
    const windowS = Math.ceil(burst / perSecond);
    response.set("RateLimit-Policy", `"${this.#name}";q=${burst};w=${windowS}`);
    response.set("RateLimit", `"${this.#name}";r=${left};t=${Math.ceil(fullMs / 1000)}`);
    if (taken === 1) return;
    response.set("Retry-After", String(Math.max(1, Math.ceil(nextMs / 1000))));
    throw refusal("too-many-requests", "Wait for as long as Retry-After says.");
  }
}
