import type { Redis } from "ioredis";
import { RedisScript } from "../pipeline/index.ts";
import { FreshCache } from "./fresh-cache.ts";
import { refusal } from "./problems.ts";

/** The joins of the last seconds are remembered with these half-lives. */
const ORIGIN_HALF_LIFE_MS = 5000;
const NETWORK_HALF_LIFE_MS = 600_000;
/** Newcomers of one network, an IPv4 /24 or an IPv6 /48, that work no more than others. */
const NETWORK_FREE = 256;
const ORIGIN_FACTOR_MAX = 32;
const NETWORK_FACTOR_MAX = 64;

/** Networks whose newcomers work more than others, the latest ones. */
const CROWDED_MAX = 1000;
/** How old what this process knows of other processes' joins may be. */
const LEVELS_MAX_AGE_MS = 500;
const ORIGIN_KEY = "starling:join:pressure";
/** Sorted set: crowded networks by the time of their last join. */
const CROWDED_KEY = "starling:join:crowded";

const LEVEL = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function level(key, half)
  local kept = redis.call("HMGET", key, "level", "at")
  local age = math.max(0, now - (tonumber(kept[2]) or now))
  return (tonumber(kept[1]) or 0) * 0.5 ^ (age / half)
end
`;

/**
 * KEYS used puzzle, origin, network, crowded; ARGV half-lives of both, life of the puzzle, network, the level
 * from which it is crowded. Answers 1, or 0 when the puzzle was used before.
 */
const countScript = new RedisScript(
  "count-join",
  `${LEVEL}
if not redis.call("SET", KEYS[1], 1, "PX", ARGV[3], "NX") then return 0 end
local sum = 0
for at = 1, 2 do
  local half = tonumber(ARGV[at])
  sum = level(KEYS[at + 1], half) + 1
  redis.call("HSET", KEYS[at + 1], "level", tostring(sum), "at", now)
  redis.call("PEXPIRE", KEYS[at + 1], 20 * half)
end
if sum >= tonumber(ARGV[5]) then
  redis.call("ZADD", KEYS[4], now, ARGV[4])
  redis.call("PEXPIRE", KEYS[4], 20 * ARGV[2])
end
return 1
`,
);

/**
 * KEYS origin, crowded; ARGV half-lives, prefix of a network's key, networks max. Answers the origin's level,
 * then crowded networks and their levels in turn.
 */
const levelsScript = new RedisScript(
  "join-levels",
  `${LEVEL}
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", now - 20 * ARGV[2])
local levels = { tostring(level(KEYS[1], tonumber(ARGV[1]))) }
for _, network in ipairs(redis.call("ZREVRANGE", KEYS[2], 0, ARGV[4] - 1)) do
  levels[#levels + 1] = network
  levels[#levels + 1] = tostring(level(ARGV[3] .. network, tonumber(ARGV[2])))
end
return levels
`,
);

/** What is known of the joins of the last seconds. */
interface Levels {
  readonly origin: number;
  /** Of networks with more than NETWORK_FREE joins. */
  readonly crowded: ReadonlyMap<string, number>;
}

/**
 * How much more a newcomer works than at rest: in proportion to the joins of the origin beyond its rate, and to
 * those of the newcomer's network beyond 256 in some minutes. So a provider that puts a crowd behind few
 * addresses is slowed down where a cap would lock it out. Only joins that were worked for count. To know it takes
 * no question to Redis: twice a second is enough for all who come.
 */
export class JoinPressure {
  readonly #redis: Redis;
  readonly #joinsPerSecond: number;
  readonly #levels = new FreshCache(LEVELS_MAX_AGE_MS, () => this.#load());

  constructor(redis: Redis, joinsPerSecond: number) {
    this.#redis = redis;
    this.#joinsPerSecond = joinsPerSecond;
  }

  /** At least 1. Throws StarlingError "too-many-requests" for a network with 16,384 newcomers. */
  async factor(network: string): Promise<number> {
    const { origin, crowded } = await this.#levels.get();
    const perSecond = (origin * Math.LN2 * 1000) / ORIGIN_HALF_LIFE_MS;
    const ofNetwork = Math.max(1, (crowded.get(network) ?? 0) / NETWORK_FREE);
    if (ofNetwork > NETWORK_FACTOR_MAX) {
      throw refusal("too-many-requests", "Too many joins of one network. Play plain HLS.");
    }
    const ofOrigin = Math.max(1, perSecond / this.#joinsPerSecond);
    return Math.min(ORIGIN_FACTOR_MAX, ofOrigin) * ofNetwork;
  }

  /** Counts a join; false when its puzzle was used before. */
  async count(network: string, puzzle: { id: string; lifeMs: number }): Promise<boolean> {
    const counted = await countScript.run(
      this.#redis,
      [`starling:join:used:${puzzle.id}`, ORIGIN_KEY, keyOf(network), CROWDED_KEY],
      ORIGIN_HALF_LIFE_MS,
      NETWORK_HALF_LIFE_MS,
      puzzle.lifeMs,
      network,
      NETWORK_FREE,
    );
    return counted === 1;
  }

  async #load(): Promise<Levels> {
    const keys = [ORIGIN_KEY, CROWDED_KEY];
    const halfLives = [ORIGIN_HALF_LIFE_MS, NETWORK_HALF_LIFE_MS] as const;
    const answer = await levelsScript.run(this.#redis, keys, ...halfLives, keyOf(""), CROWDED_MAX);
    const [origin, ...rest] = answer as string[];
    const crowded = new Map<string, number>();
    for (let at = 0; at < rest.length; at += 2) crowded.set(rest[at] ?? "", Number(rest[at + 1]));
    return { origin: Number(origin), crowded };
  }
}

function keyOf(network: string): string {
  return `${ORIGIN_KEY}:${network}`;
}
