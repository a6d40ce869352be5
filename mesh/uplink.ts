import { type InstantMs, instantMs } from "../core/index.ts";

/** The line is measured over this much time in which something waited. */
const WINDOW_MS = 500;
const GAIN = 0.3;
/** Less than this counts as no capacity at all. */
const RATE_MIN = 2000;

/**
 * What a peer can send, bytes a second: what it was given, or less when its channels drain more
 * slowly than that while something waits in them.
 */
export class Uplink {
  readonly #given: number;
  #rate: number;
  #busySince: InstantMs = instantMs(0);
  #busyMs = 0;
  #drainedBytes = 0;

  constructor(given: number) {
    this.#given = given;
    this.#rate = given;
  }

  get bytesPerS(): number {
    return this.#rate < RATE_MIN ? 0 : this.#rate;
  }

  /** Something waits in the channels again. */
  busy(now: InstantMs): void {
    this.#busySince = now;
  }

  /** Channels have drained by `bytes`. */
  drained(now: InstantMs, bytes: number): void {
    this.#drainedBytes += bytes;
    this.#busyMs += now - this.#busySince;
    this.#busySince = now;
    if (this.#busyMs < WINDOW_MS) return;
    const measured = (this.#drainedBytes / this.#busyMs) * 1000;
    this.#rate = Math.min(this.#given, this.#rate + GAIN * (measured - this.#rate));
    this.#busyMs = 0;
    this.#drainedBytes = 0;
  }
}
