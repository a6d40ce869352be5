import type { Redis } from "ioredis";
import { z } from "zod";
import { StarlingError } from "../core/index.ts";
import { randomBase32 } from "./random-text.ts";
import { publisherKey } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";

export const LEASE_MS = 5000;

/** Who publishes to a stream now. */
export interface Publisher {
  readonly session: string;
  /** A stand-in, such as the test card: it gives way to a real publisher. */
  readonly filler: boolean;
  readonly startedAtMs: number;
}

/**
 * Name of the n-th run of a publish session: what is cut again from its start, after a fault or because
 * the broadcaster changed its settings, is a session of its own in the timeline.
 */
export function runName(session: string, run: number): string {
  return run === 0 ? session : `${session}-${run}`;
}

/** Whether `name` is a publish session, or one of its runs. Session ids all have one form. */
export function isRunOf(session: string, name: string): boolean {
  return name === session || name.startsWith(`${session}-`);
}

const publisherSchema = z.object({
  session: z.string(),
  filler: z.boolean(),
  startedAtMs: z.number(),
}) satisfies z.ZodType<Publisher>;

/** KEYS lease; ARGV publisher, lease ms, "filler" or "real". Answers 1, or 0 when another is live. */
const openScript = new RedisScript(
  "open-session",
  `
local holder = redis.call("GET", KEYS[1])
if holder and (ARGV[3] == "filler" or not cjson.decode(holder).filler) then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
`,
);

/** KEYS lease; ARGV publisher, lease ms. Answers 1, or 0 when the lease is another's or over. */
const renewScript = new RedisScript(
  "renew-session",
  `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])
`,
);

/** KEYS lease; ARGV publisher. */
const closeScript = new RedisScript(
  "close-session",
  `
if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end
return 1
`,
);

/** Lets one publisher at a time into each stream, by a lease that its ingest renews. */
export class PublishSessions {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Opens a session; a filler is evicted by a real publisher. Throws StarlingError "publisher-busy". */
  async open(
    stream: string,
    options: { readonly filler: boolean; readonly leaseMs?: number | undefined },
  ): Promise<PublishSession> {
    const { filler, leaseMs = LEASE_MS } = options;
    const startedAtMs = Date.now();
    const session = `${startedAtMs.toString(36)}-${randomBase32(6)}`;
    const lease = new PublishSession(
      this.#redis,
      stream,
      { session, filler, startedAtMs },
      leaseMs,
    );
    if (await lease.acquire()) return lease;
    throw new StarlingError(
      "publisher-busy",
      `Stream "${stream}" has a live publisher: stop it, or wait ${leaseMs / 1000} s after it is gone.`,
    );
  }

  async current(stream: string): Promise<Publisher | undefined> {
    const publisher = await this.#redis.get(publisherKey(stream));
    return publisher === null ? undefined : publisherSchema.parse(JSON.parse(publisher));
  }
}

/** One connection of a broadcaster. Whoever holds it calls `renew` well within the lease. */
export class PublishSession {
  readonly id: string;
  readonly stream: string;
  readonly startedAtMs: number;
  readonly filler: boolean;
  readonly #redis: Redis;
  readonly #publisher: string;
  readonly #leaseMs: number;

  constructor(redis: Redis, stream: string, publisher: Publisher, leaseMs: number) {
    this.id = publisher.session;
    this.stream = stream;
    this.startedAtMs = publisher.startedAtMs;
    this.filler = publisher.filler;
    this.#redis = redis;
    this.#publisher = JSON.stringify(publisher);
    this.#leaseMs = leaseMs;
  }

  /** Takes the lease; PublishSessions.open calls it once. */
  async acquire(): Promise<boolean> {
    const kind = this.filler ? "filler" : "real";
    return (
      (await openScript.run(this.#redis, this.#keys, this.#publisher, this.#leaseMs, kind)) === 1
    );
  }

  /** Extends the lease. False when it ran out or another publisher took it: stop publishing. */
  async renew(): Promise<boolean> {
    return (await renewScript.run(this.#redis, this.#keys, this.#publisher, this.#leaseMs)) === 1;
  }

  /** Gives the lease back; harmless when it is gone. */
  async close(): Promise<void> {
    await closeScript.run(this.#redis, this.#keys, this.#publisher);
  }

  get #keys(): string[] {
    return [publisherKey(this.stream)];
  }
}
