import type { Redis } from "ioredis";
import { RedisScript } from "../pipeline/index.ts";
import { refusal } from "./problems.ts";

/** The joins of the last seconds are remembered with these half-lives. */
const ORIGIN_HALF_LIFE_MS = 5000;
const NETWORK_HALF_LIFE_MS = 600_000;
/** Newcomers of one network, an IPv4 /24 or an IPv6 /48, that work no more than others. */
const NETWORK_FREE = 256;
const ORIGIN_FACTOR_MAX = 32;
const NETWORK_FACTOR_MAX = 64;

/**
 * KEYS origin, network, and to count a join the used puzzle; ARGV half-lives of both, life of the puzzle.
 * Answers the levels, or nothing when the puzzle was used before.
 */
const pressureScript = new RedisScript(
  "join-pressure",
  `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if KEYS[3] and not redis.call("SET", KEYS[3], 1, "PX", ARGV[3], "NX") then return false end
local levels = {}
for at = 1, 2 do
  local half = tonumber(ARGV[at])
  local kept = redis.call("HMGET", KEYS[at], "level", "at")
  local age = math.max(0, now - (tonumber(kept[2]) or now))
  local level = (tonumber(kept[1]) or 0) * 0.5 ^ (age / half)
  if KEYS[3] then
    level = level + 1
    redis.call("HSET", KEYS[at], "level", tostring(level), "at", now)
    redis.call("PEXPIRE", KEYS[at], 20 * half)
  end
  levels[at] = tostring(level)
end
return levels
`,
);

/**
 * How much more a newcomer works than at rest: in proportion to the joins of the origin beyond its rate, and to
 * those of the newcomer's network beyond 256 in some minutes. So a provider that puts a crowd behind few
 * addresses is slowed down where a cap would lock it out. Only joins that were worked for count.
 */
export class JoinPressure {
  readonly #redis: Redis;
  readonly #joinsPerSecond: number;

  constructor(redis: Redis, joinsPerSecond: number) {
    this.#redis = redis;
    this.#joinsPerSecond = joinsPerSecond;
  }

  /** At least 1. Throws StarlingError "too-many-requests" for a network with 16,384 newcomers. */
  async factor(network: string): Promise<number> {
    const [originLevel = 0, networkLevel = 0] = (await this.#run(keysOf(network))) ?? [];
    const perSecond = (originLevel * Math.LN2 * 1000) / ORIGIN_HALF_LIFE_MS;
    const ofNetwork = Math.max(1, networkLevel / NETWORK_FREE);
    if (ofNetwork > NETWORK_FACTOR_MAX) {
      throw refusal("too-many-requests", "Too many joins of one network. Play plain HLS.");
    }
    const ofOrigin = Math.max(1, perSecond / this.#joinsPerSecond);
    return Math.min(ORIGIN_FACTOR_MAX, ofOrigin) * ofNetwork;
  }

  /** Counts a join; false when its puzzle was used before. */
  async count(network: string, puzzle: { id: string; lifeMs: number }): Promise<boolean> {
    const used = `starling:join:used:${puzzle.id}`;
    return (await this.#run([...keysOf(network), used], puzzle.lifeMs)) !== undefined;
  }

  async #run(keys: string[], lifeMs = 0): Promise<number[] | undefined> {
    const halfLives = [ORIGIN_HALF_LIFE_MS, NETWORK_HALF_LIFE_MS] as const;
    const levels = await pressureScript.run(this.#redis, keys, ...halfLives, lifeMs);
    return levels === null ? undefined : (levels as string[]).map(Number);
  }
}

function keysOf(network: string): string[] {
  return ["starling:join:pressure", `starling:join:pressure:${network}`];
}
