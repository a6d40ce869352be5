import type { Redis } from "ioredis";
import { type Jwks, type KeySet, parseJwks } from "../core/index.ts";
import { readJwks } from "../pipeline/index.ts";
import { FreshCache } from "./fresh-cache.ts";

const MAX_AGE_MS = 1000;

/** The public keys of this origin, of all its signers and API processes. */
export class TrustedKeys {
  readonly #jwks: FreshCache<Jwks>;

  constructor(redis: Redis) {
    this.#jwks = new FreshCache(MAX_AGE_MS, () => readJwks(redis));
  }

  jwks(): Promise<Jwks> {
    return this.#jwks.get();
  }

  async keySet(): Promise<KeySet> {
    return parseJwks(await this.#jwks.get());
  }
}
