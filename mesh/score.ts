import type { InstantMs } from "../core/index.ts";

/** After this long without news half of what was seen is forgotten. */
const HALF_LIFE_MS = 30_000;
/** What a pull weighs that was taken on and not met, in symbols that were promised and not given. */
const LAPSE_WEIGHT = 0.3;
/** Below this a neighbour is distrusted: honest peers that are short of uplink stay above. */
const DISTRUST_BELOW = -3;
/** What others say counts for no more than this many symbols, for better or worse. */
const HEARSAY_MAX = 8;

/**
 * What a peer thinks of a neighbour, in symbols: those it gave, less those that it promised and did
 * not give, and a little of what others say. All of it fades, so that a peer that only omits goes below
 * zero and stays there, and one that stops giving comes down to zero.
 */
export class Score {
  #delivered = 0;
  #failed = 0;
  #hearsay = 0;
  #fadedAt = 0;

  /** A symbol that was asked for or promised has come. */
  delivered(now: InstantMs): void {
    this.#fade(now);
    this.#delivered++;
  }

  /** A symbol that was promised did not come. */
  failed(now: InstantMs): void {
    this.#fade(now);
    this.#failed++;
  }

  /** A symbol that was asked for did not come in time. */
  lapsed(now: InstantMs): void {
    this.#fade(now);
    this.#failed += LAPSE_WEIGHT;
  }

  /** Another peer saw `balance` symbols; `trust` 0..1 is what that witness is worth. */
  heard(now: InstantMs, balance: number, trust: number): void {
    this.#fade(now);
    const heard = this.#hearsay + balance * trust;
    this.#hearsay = Math.min(HEARSAY_MAX, Math.max(-HEARSAY_MAX, heard));
  }

  /** The balance, in symbols. */
  value(now: InstantMs): number {
    this.#fade(now);
    return this.#delivered - this.#failed + this.#hearsay;
  }

  /** Whether it takes or promises and does not give. */
  isDistrusted(now: InstantMs): boolean {
    return this.value(now) < DISTRUST_BELOW;
  }

  /** What the neighbour gave, in symbols, as evidence for others. */
  evidence(now: InstantMs): { readonly delivered: number; readonly failed: number } {
    this.#fade(now);
    return { delivered: this.#delivered, failed: this.#failed };
  }

  #fade(now: InstantMs): void {
    if (now <= this.#fadedAt) return;
    const share = 0.5 ** ((now - this.#fadedAt) / HALF_LIFE_MS);
    this.#delivered *= share;
    this.#failed *= share;
    this.#hearsay *= share;
    this.#fadedAt = now;
  }
}
