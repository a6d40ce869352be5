const FIRST_DELAY_MS = 250;
const DELAY_MS_MAX = 30_000;

/** Delays between attempts: doubling, capped, and jittered so that many peers do not come as one. */
export class BackOff {
  readonly #delayMsMax: number;
  #attempts = 0;

  constructor(delayMsMax: number = DELAY_MS_MAX) {
    this.#delayMsMax = delayMsMax;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const fullMs = Math.min(this.#delayMsMax, FIRST_DELAY_MS * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 20);
    return fullMs * (0.5 + Math.random() / 2);
  }

  /** The last attempt was good: the next delay is short again. */
  reset(): void {
    this.#attempts = 0;
  }
}
