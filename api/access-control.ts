import { createHash, timingSafeEqual } from "node:crypto";
import type { Request, Response } from "express";
import type { Redis } from "ioredis";
import { networkOf, type Rate } from "../core/index.ts";
import { type ApiKey, ApiKeys, type ApiScope, internalKey } from "../pipeline/index.ts";
import { refusal } from "./problems.ts";
import { RateLimiter } from "./rate-limiter.ts";

/** Who calls: somebody without a key, the holder of an API key, or another role of this origin. */
export type Caller = "anybody" | "origin" | ApiKey;

const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i;
/** Wrong keys that one address may try. */
const GUESSES: Rate = { burst: 20, perSecond: 0.2 };

/** Reads the bearer key of a request (RFC 6750 section 2.1). */
export class AccessControl {
  readonly #redis: Redis;
  readonly #keys: ApiKeys;
  readonly #guesses: RateLimiter;
  readonly #calls: RateLimiter;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#keys = new ApiKeys(redis);
    this.#guesses = new RateLimiter(redis, "api-key-guesses");
    this.#calls = new RateLimiter(redis, "api-key");
  }

  /**
   * Who calls; counts a call of a key. Throws StarlingError "api-key-wrong" for a key that is not one of
   * ours, "too-many-requests" for one that calls too often.
   */
  async callerOf(request: Request, response: Response): Promise<Caller> {
    const header = request.get("authorization");
    if (header === undefined) return "anybody";
    const key = BEARER.exec(header)?.[1];
    const caller = key === undefined ? undefined : await this.#holderOf(key);
    if (caller === "origin") return caller;
    if (caller !== undefined) {
      const rate = { burst: caller.perMinute, perSecond: caller.perMinute / 60 };
      await this.#calls.take(response, caller.id, rate);
      return caller;
    }
    await this.#guesses.take(response, networkOf(request.ip ?? "unknown"), GUESSES);
    response.set("WWW-Authenticate", 'Bearer realm="starling", error="invalid_token"');
    throw refusal("api-key-wrong", "Send a key of this origin as Authorization: Bearer <API key>.");
  }

  /**
   * The key that came along. Throws StarlingError "api-key-missing", "api-key-wrong" or, unless it has
   * `scope`, "api-key-scope".
   */
  async require(scope: ApiScope, request: Request, response: Response): Promise<ApiKey> {
    const caller = await this.callerOf(request, response);
    if (typeof caller === "string") throw keyMissing(response);
    checkScope(caller, scope);
    return caller;
  }

  async #holderOf(key: string): Promise<"origin" | ApiKey | undefined> {
    if (isSame(key, await internalKey(this.#redis))) return "origin";
    return this.#keys.verify(key);
  }
}

/** Throws StarlingError "api-key-scope" unless the key has the scope, or that of an admin. */
export function checkScope({ scopes }: ApiKey, scope: ApiScope): void {
  if (scopes.includes(scope) || scopes.includes("admin")) return;
  throw refusal("api-key-scope", `This needs a key with the scope "${scope}".`);
}

/** The refusal of a call without a key, with its challenge. */
export function keyMissing(response: Response): Error {
  response.set("WWW-Authenticate", 'Bearer realm="starling"');
  return refusal("api-key-missing", "Send the API key as Authorization: Bearer <API key>.");
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
