import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import { StarlingError } from "../core/index.ts";
import { randomBase32 } from "./random-text.ts";
import { API_KEYS_KEY } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";

/** What a key opens: `streams` their settings and stream keys, `tokens` join tokens, `relays` those of relays, `admin` everything. */
export const API_SCOPES = ["admin", "streams", "tokens", "relays"] as const;
export type ApiScope = (typeof API_SCOPES)[number];

/** An API key without its secret. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  /** Requests that it may be used for in a minute. */
  readonly perMinute: number;
  readonly createdAtMs: number;
}

export const API_KEYS_MAX = 1000;
export const API_KEY_PER_MINUTE = 60_000;
const PREFIX = "starling-api-";
const ID_LENGTH = 10;
const SECRET_LENGTH = 40;
const API_KEY = /^starling-api-([a-z2-7]{10})-[a-z2-7]{40}$/;
/** 4 MiB, some 10 ms: the secret has 200 bits, so that nobody guesses it from its hash anyway. */
const SCRYPT = { N: 4096, r: 8, p: 1 } as const;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Keys whose secret was right once: to compare it again costs a SHA-256. */
const PROVEN_MAX = 1000;

const recordSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(API_SCOPES)),
  perMinute: z.number(),
  createdAtMs: z.number(),
  salt: z.string(),
  hash: z.string(),
});
type ApiKeyRecord = z.output<typeof recordSchema>;

/** KEYS api keys; ARGV id, record, keys max. Answers 1, or 0 when there are that many. */
const addScript = new RedisScript(
  "add-api-key",
  `
if redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
return redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
`,
);

/** The API keys of this origin. Of a secret only its scrypt hash is kept (RFC 7914). */
export class ApiKeys {
  readonly #redis: Redis;
  /** By the SHA-256 of a key that was right: the hash that it was right for. */
  readonly #proven = new Map<string, string>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Makes a key; nobody can read it a second time. Throws StarlingError "api-key-limit". */
  async create(
    wanted: Pick<ApiKey, "name" | "scopes"> & Partial<Pick<ApiKey, "perMinute">>,
  ): Promise<{ readonly apiKey: ApiKey; readonly key: string }> {
    const made = await this.#add(wanted, API_KEYS_MAX);
    if (made !== undefined) return made;
    throw new StarlingError("api-key-limit", `An origin has ${API_KEYS_MAX} keys: delete one.`);
  }

  /** Makes the key of a new origin, with all scopes: undefined when there is one. */
  async createFirst(): Promise<string | undefined> {
    return (await this.#add({ name: "first", scopes: ["admin"] }, 1))?.key;
  }

  /** All keys, oldest first. */
  async list(): Promise<ApiKey[]> {
    const records = (await this.#redis.hvals(API_KEYS_KEY)).map(recordOf);
    return records.sort((a, b) => a.createdAtMs - b.createdAtMs).map(withoutHash);
  }

  /** False when there is none of that id. */
  async delete(id: string): Promise<boolean> {
    return (await this.#redis.hdel(API_KEYS_KEY, id)) === 1;
  }

  /** The key that `text` is; compared in constant time. */
  async verify(text: string): Promise<ApiKey | undefined> {
    const id = API_KEY.exec(text)?.[1];
    const json = id === undefined ? null : await this.#redis.hget(API_KEYS_KEY, id);
    if (json === null) return undefined;
    const record = recordOf(json);
    return (await this.#isRight(text, record)) ? withoutHash(record) : undefined;
  }

  async #isRight(text: string, { salt, hash }: ApiKeyRecord): Promise<boolean> {
    const digest = createHash("sha256").update(text).digest("hex");
    if (this.#proven.get(digest) === hash) return true;
    const expected = Buffer.from(hash, "base64url");
    const isRight = timingSafeEqual(await hashOf(text, Buffer.from(salt, "base64url")), expected);
    if (!isRight) return false;
    if (this.#proven.size >= PROVEN_MAX) this.#proven.clear();
    this.#proven.set(digest, hash);
    return true;
  }

  async #add(
    { name, scopes, perMinute = API_KEY_PER_MINUTE }: Parameters<ApiKeys["create"]>[0],
    keysMax: number,
  ): Promise<{ readonly apiKey: ApiKey; readonly key: string } | undefined> {
    const id = randomBase32(ID_LENGTH);
    const key = `${PREFIX}${id}-${randomBase32(SECRET_LENGTH)}`;
    const salt = randomBytes(SALT_BYTES);
    const apiKey = { id, name, scopes: [...scopes], perMinute, createdAtMs: Date.now() };
    const hash = (await hashOf(key, salt)).toString("base64url");
    const record: ApiKeyRecord = { ...apiKey, salt: salt.toString("base64url"), hash };
    const keys = [API_KEYS_KEY];
    const made = await addScript.run(this.#redis, keys, id, JSON.stringify(record), keysMax);
    return made === 1 ? { apiKey, key } : undefined;
  }
}

function hashOf(key: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(key, salt, HASH_BYTES, SCRYPT, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

function recordOf(json: string): ApiKeyRecord {
  return recordSchema.parse(JSON.parse(json));
}

function withoutHash({ salt: _salt, hash: _hash, ...apiKey }: ApiKeyRecord): ApiKey {
  return apiKey;
}
