import { createHash, timingSafeEqual } from "node:crypto";
import type { Request, Response } from "express";
import type { Redis } from "ioredis";
import { instantMs } from "../core/index.ts";
import { internalKey, verifyApiKey } from "../pipeline/index.ts";
import { AddressLimiter } from "./address-limiter.ts";
import { refusal } from "./problems.ts";

/** Who calls: somebody without a key, the holder of an API key, or another role of this origin. */
export type Caller = "anybody" | "admin" | "origin";

const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i;
/** Wrong keys that one address may try. */
const GUESSES = { burst: 20, perSecond: 0.2 };

/** Reads the bearer key of a request (RFC 6750 section 2.1). */
export class AccessControl {
  readonly #redis: Redis;
  readonly #guesses = new AddressLimiter(GUESSES);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Who calls. Throws StarlingError "api-key-wrong" for a key that is not one of ours. */
  async callerOf(request: Request, response: Response): Promise<Caller> {
    const header = request.get("authorization");
    if (header === undefined) return "anybody";
    const key = BEARER.exec(header)?.[1];
    if (key !== undefined) {
      if (sameSecret(key, await internalKey(this.#redis))) return "origin";
      if (await verifyApiKey(this.#redis, key)) return "admin";
    }
    if (!this.#guesses.take(request.ip, instantMs(Date.now()))) {
      response.set("Retry-After", "60");
      throw refusal("too-many-requests", "Too many wrong API keys. Try again in a minute.");
    }
    response.set("WWW-Authenticate", 'Bearer realm="starling", error="invalid_token"');
    throw refusal("api-key-wrong", "Send a key of this origin as Authorization: Bearer <API key>.");
  }

  /** Throws StarlingError "api-key-missing" or "api-key-wrong" unless an API key came along. */
  async requireAdmin(request: Request, response: Response): Promise<void> {
    if ((await this.callerOf(request, response)) !== "admin") throw keyMissing(response);
  }
}

/** The refusal of a call without a key, with its challenge. */
export function keyMissing(response: Response): Error {
  response.set("WWW-Authenticate", 'Bearer realm="starling"');
  return refusal("api-key-missing", "Send the API key as Authorization: Bearer <API key>.");
}

function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
