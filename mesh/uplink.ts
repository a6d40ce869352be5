import { type InstantMs, instantMs, type TokenBucket } from "../core/index.ts";

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
  readonly #uploads: TokenBucket;
  /** What it was given at first, which it is not given more than later. */
  readonly #given: number;
  #rate: number;
  #busySince: InstantMs = instantMs(0);
  #busyMs = 0;
  #drainedBytes = 0;

  constructor(uploads: TokenBucket) {
    this.#uploads = uploads;
    this.#given = uploads.perSecond;
    this.#rate = this.#given;
  }

  get bytesPerS(): number {
    const bytesPerS = Math.min(this.#rate, this.#uploads.perSecond);
    return bytesPerS < RATE_MIN ? 0 : bytesPerS;
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
