import { networkOf } from "./network.ts";
import type { InstantMs } from "./time.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

const ADDRESSES_MAX = 10_000;

/** One bucket per client address; the address that was quiet longest is forgotten first. */
export class AddressLimiter {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one from the bucket of the address, or of its /64, if it is there. */
  take(address: string | undefined, now: InstantMs): boolean {
    const network = networkOf(address ?? "unknown");
    const bucket = this.#buckets.get(network) ?? new TokenBucket(now, this.#rate);
    this.#buckets.delete(network);
    this.#buckets.set(network, bucket);
    if (this.#buckets.size > ADDRESSES_MAX) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket.take(now);
  }
}
