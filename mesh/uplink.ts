import type { InstantMs } from "../core/index.ts";

const WINDOW_MS = 1000;
/** How fast the estimate follows a measurement, and grows while the line is not full. */
const GAIN = 0.5;
const GROWTH = 1.15;
/** Less than this counts as no capacity at all. */
const RATE_MIN = 1000;

/**
 * What a peer can send, bytes a second: what it was given, or less when its channels drain more
 * slowly than that over a second in which they were never empty.
 */
export class Uplink {
  readonly #given: number;
  #rate: number;
  #windowAt: InstantMs | undefined;
  #drainedBytes = 0;
  #wasIdle = false;

  constructor(given: number) {
    this.#given = given;
    this.#rate = given;
  }

  get bytesPerS(): number {
    return this.#rate < RATE_MIN ? 0 : this.#rate;
  }

  /** Channels have drained by `bytes`, and `waiting` bytes wait in them now. */
  drained(now: InstantMs, bytes: number, waiting: number): void {
    this.#windowAt ??= now;
    this.#drainedBytes += bytes;
    if (waiting <= 0) this.#wasIdle = true;
    const elapsedMs = now - this.#windowAt;
    if (elapsedMs < WINDOW_MS) return;
    const measured = (this.#drainedBytes / elapsedMs) * 1000;
    if (this.#wasIdle) this.#rate = Math.max(this.#rate * GROWTH, measured);
    else this.#rate += GAIN * (measured - this.#rate);
    this.#rate = Math.min(this.#rate, this.#given);
    this.#windowAt = now;
    this.#drainedBytes = 0;
    this.#wasIdle = waiting <= 0;
  }
}
