import type { Redis } from "ioredis";

const AUDIT_KEY = "starling:audit";
export const AUDIT_ENTRIES_MAX = 10_000;

/** What somebody did with an API key. Never holds a body, a secret or a token. */
export interface AuditEntry {
  readonly at: string;
  /** Id of the key. */
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly address: string;
  readonly requestId: string;
}

/** The last 10,000 changes that were asked for with an API key, refused ones too. */
export class AuditLog {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async append(entry: AuditEntry): Promise<void> {
    const trim = ["MAXLEN", "~", AUDIT_ENTRIES_MAX] as const;
    await this.#redis.xadd(AUDIT_KEY, ...trim, "*", "entry", JSON.stringify(entry));
  }

  /** The newest entries, newest first. */
  async newest(count: number): Promise<AuditEntry[]> {
    const entries = await this.#redis.xrevrange(AUDIT_KEY, "+", "-", "COUNT", count);
    return entries.map(([, fields]) => JSON.parse(fields[1] ?? "null") as AuditEntry);
  }
}
