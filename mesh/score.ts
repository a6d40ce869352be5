import type { InstantMs } from "../core/index.ts";

/** After this long without news half of what was seen is forgotten. */
const HALF_LIFE_MS = 30_000;
/** What a pull weighs that was taken on and not met, in symbols that were promised and not given. */
const LAPSE_WEIGHT = 0.3;
/** Below this a neighbour is distrusted: honest peers that are short of uplink stay above. */
const DISTRUST_BELOW = -3;
/** Below this a neighbour is doubted, until it has given more than it failed to give. */
const DOUBT_BELOW = -0.5;
/** What others say counts for no more than this many symbols, for better or worse. */
const HEARSAY_MAX = 8;
/** Of no more witnesses than this is it known what they said; who spoke long ago counts no more. */
const WITNESSES_MAX = 32;

/** What one witness said last, and what of that is left. */
interface Word {
  readonly balance: number;
  readonly at: InstantMs;
}

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
  /** Whether it was doubted for what this peer saw, and has not made up for it. */
  #isInDebt = false;
  /** Those who spoke last come last. */
  readonly #words = new Map<string, Word>();

  /** A symbol that was asked for or promised has come. */
  delivered(now: InstantMs): void {
    this.#fade(now);
    this.#delivered++;
    this.#weigh();
  }

  /** A symbol that was promised did not come. */
  failed(now: InstantMs): void {
    this.#fade(now);
    this.#failed++;
    this.#weigh();
  }

  /** A symbol that was asked for did not come in time. */
  lapsed(now: InstantMs): void {
    this.#fade(now);
    this.#failed += LAPSE_WEIGHT;
    this.#weigh();
  }

  /** A symbol was declined for want of room; `share` 0..1 tells how much room was told. */
  refused(now: InstantMs, share: number): void {
    this.#fade(now);
    this.#failed += LAPSE_WEIGHT * share;
    this.#weigh();
  }

  /**
   * A witness saw `balance` symbols, which takes the place of what it said before; `trust` 0..1 is what
   * it is worth.
   */
  heard(now: InstantMs, witness: string, balance: number, trust: number): void {
    this.#fade(now);
    this.#forget(now, witness);
    this.#words.set(witness, { balance: balance * trust, at: now });
    this.#hearsay += balance * trust;
    const [oldest] = this.#words.keys();
    if (this.#words.size > WITNESSES_MAX && oldest !== undefined) this.#forget(now, oldest);
  }

  /** The balance, in symbols. */
  value(now: InstantMs): number {
    this.#fade(now);
    const hearsay = Math.min(HEARSAY_MAX, Math.max(-HEARSAY_MAX, this.#hearsay));
    return this.#delivered - this.#failed + hearsay;
  }

  /** The balance of what this peer saw itself, in symbols. */
  own(now: InstantMs): number {
    this.#fade(now);
    return this.#delivered - this.#failed;
  }

  /**
   * Whether it gave less than it failed to give, and not more since: that it fades makes it no better.
   * Such a neighbour is believed nothing, and gets what others leave.
   */
  isDoubted(now: InstantMs): boolean {
    return this.#isInDebt || this.isDistrusted(now);
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

  #weigh(): void {
    const own = this.#delivered - this.#failed;
    if (own > 0) this.#isInDebt = false;
    else if (own < DOUBT_BELOW) this.#isInDebt = true;
  }

  #forget(now: InstantMs, witness: string): void {
    const word = this.#words.get(witness);
    if (word === undefined) return;
    this.#words.delete(witness);
    this.#hearsay -= word.balance * shareLeft(now - word.at);
  }

  #fade(now: InstantMs): void {
    if (now <= this.#fadedAt) return;
    const share = shareLeft(now - this.#fadedAt);
    this.#delivered *= share;
    this.#failed *= share;
    this.#hearsay *= share;
    this.#fadedAt = now;
  }
}

function shareLeft(afterMs: number): number {
  return 0.5 ** (afterMs / HALF_LIFE_MS);
}
