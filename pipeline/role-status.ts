import type { Redis } from "ioredis";
import { z } from "zod";
import { ROLES_KEY, ROLES_SEEN_KEY } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";

/** How long a report counts as a sign of life. */
export const REPORT_TTL_MS = 10_000;
/** How often a role reports. */
export const REPORT_INTERVAL_MS = 2000;

export interface RoleReport {
  readonly role: string;
  readonly instance: string;
  /** Milliseconds since the UNIX epoch, by the role's clock. */
  readonly at: number;
  readonly stats: Readonly<Record<string, unknown>>;
}

const reportSchema = z.object({
  role: z.string(),
  instance: z.string(),
  at: z.number(),
  stats: z.record(z.string(), z.unknown()),
}) satisfies z.ZodType<RoleReport>;

/**
 * Drops stale reports by the clock of Redis, adds one if given, and answers those that are left.
 * KEYS roles, seen; ARGV time to live ms, then optionally name and report.
 */
const exchangeScript = new RedisScript(
  "role-status",
  `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stale = redis.call("ZRANGEBYSCORE", KEYS[2], "-inf", now - ARGV[1])
for _, name in ipairs(stale) do
  redis.call("HDEL", KEYS[1], name)
  redis.call("ZREM", KEYS[2], name)
end
if ARGV[2] then
  redis.call("HSET", KEYS[1], ARGV[2], ARGV[3])
  redis.call("ZADD", KEYS[2], now, ARGV[2])
  return {}
end
return redis.call("HVALS", KEYS[1])
`,
);

const KEYS = [ROLES_KEY, ROLES_SEEN_KEY];

/** The heartbeat of one running role: its last report is seen for 10 s. */
export class RoleStatus {
  readonly #redis: Redis;
  readonly #role: string;
  readonly #instance: string;

  constructor(redis: Redis, role: string, instance: string) {
    this.#redis = redis;
    this.#role = role;
    this.#instance = instance;
  }

  /** Replaces the last report. `stats` must survive JSON. */
  async report(stats: object): Promise<void> {
    const report = { role: this.#role, instance: this.#instance, at: Date.now(), stats };
    const name = `${this.#role} ${this.#instance}`;
    await exchangeScript.run(this.#redis, KEYS, REPORT_TTL_MS, name, JSON.stringify(report));
  }

  /** The reports of all live roles. */
  static async all(redis: Redis): Promise<RoleReport[]> {
    const reports = z.array(z.string()).parse(await exchangeScript.run(redis, KEYS, REPORT_TTL_MS));
    return reports.map((report) => reportSchema.parse(JSON.parse(report)));
  }
}
