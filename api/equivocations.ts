import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { blockKey, instantMs, verifyManifest } from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import type { ApiMetrics } from "./metrics.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

/** Hash: stream and block -> what was proved, as JSON. */
const EQUIVOCATIONS_KEY = "starling:equivocations";
const EQUIVOCATIONS_MAX = 100;

/** Two valid manifests of one block: proof that the origin's key was misused. */
export interface Equivocation {
  readonly at: string;
  readonly stream: string;
  readonly block: string;
  readonly manifests: readonly [string, string];
}

interface Parts {
  readonly redis: Redis;
  readonly trusted: Pick<TrustedKeys, "keySet">;
  readonly metrics: Pick<ApiMetrics, "equivocations">;
  readonly log: Pick<Logger, "error">;
}

/** Judges what peers say of the origin's key, and keeps what is proved: one for each block, 100 at the most. */
export class Equivocations {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Keeps two manifests that contradict each other, and tells the operator. Anything else proves nothing. */
  async judge(stream: string, manifests: readonly [string, string]): Promise<void> {
    const { redis, metrics, log } = this.#parts;
    const block = await this.#blockOf(stream, manifests);
    if (block === undefined || (await redis.hlen(EQUIVOCATIONS_KEY)) >= EQUIVOCATIONS_MAX) return;
    const found: Equivocation = { at: new Date().toISOString(), stream, block, manifests };
    const field = `${stream} ${block}`;
    if ((await redis.hsetnx(EQUIVOCATIONS_KEY, field, JSON.stringify(found))) === 0) return;
    metrics.equivocations.inc();
    log.error({ stream, block }, "the manifest key signed two manifests of one block");
  }

  /** The block of two manifests that are valid and not the same. */
  async #blockOf(
    stream: string,
    manifests: readonly [string, string],
  ): Promise<string | undefined> {
    const trust = { keys: await this.#parts.trusted.keySet(), crypto: nodeCrypto };
    const now = instantMs(Date.now());
    try {
      const [first, second] = manifests.map((jws) =>
        blockKey(verifyManifest(jws, trust, { stream, now }).block),
      );
      return first === second && manifests[0] !== manifests[1] ? first : undefined;
    } catch {
      return undefined; // One of them is not valid, or not any more.
    }
  }

  /** What was proved, newest first. */
  async newest(): Promise<Equivocation[]> {
    const all = await this.#parts.redis.hvals(EQUIVOCATIONS_KEY);
    const found = all.map((json) => JSON.parse(json) as Equivocation);
    return found.sort((a, b) => (a.at < b.at ? 1 : -1));
  }
}
