import { after, type InstantMs } from "./time.ts";

/** How much may happen: `burst` at once, then `perSecond` in the long run. Any unit will do. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A rate limit. It starts full. */
export class TokenBucket {
  #rate: Rate;
  #level: number;
  #filledAt: InstantMs;

  constructor(now: InstantMs, rate: Rate) {
    this.#rate = rate;
    this.#level = rate.burst;
    this.#filledAt = now;
  }

  /** The rate in the long run. */
  get perSecond(): number {
    return this.#rate.perSecond;
  }

  /** Takes `amount`, which is at most the burst, if it is there. */
  take(now: InstantMs, amount = 1): boolean {
    this.#fill(now);
    if (this.#level < amount) return false;
    this.#level -= amount;
    return true;
  }

  /** Goes on at another rate. What was saved up beyond its burst is lost. */
  adjust(now: InstantMs, rate: Rate): void {
    this.#fill(now);
    this.#rate = rate;
    this.#level = Math.min(rate.burst, this.#level);
  }

  /** When `amount` will be there if nobody takes any before. */
  readyAt(now: InstantMs, amount = 1): InstantMs {
    this.#fill(now);
    const lack = amount - this.#level;
    return lack <= 0 ? now : after(now, Math.ceil((lack / this.#rate.perSecond) * 1000));
  }

  #fill(now: InstantMs): void {
    const gained = (Math.max(0, now - this.#filledAt) / 1000) * this.#rate.perSecond;
    this.#level = Math.min(this.#rate.burst, this.#level + gained);
    this.#filledAt = now;
  }
}
