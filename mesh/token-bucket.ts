import { after, type InstantMs } from "../core/index.ts";

/** A rate limit in bytes a second that lets through bursts of up to `burstBytes`. */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #bytes: number;
  #filledAt: InstantMs;

  constructor(now: InstantMs, bytesPerS: number, burstBytes: number) {
    this.#bytesPerMs = bytesPerS / 1000;
    this.#burstBytes = burstBytes;
    this.#bytes = burstBytes;
    this.#filledAt = now;
  }

  /** Takes `bytes` if they are there; a bucket may be asked for no more than its burst. */
  take(now: InstantMs, bytes: number): boolean {
    this.#fill(now);
    if (this.#bytes < bytes) return false;
    this.#bytes -= bytes;
    return true;
  }

  /** When `bytes` will be there if nobody takes any before. */
  readyAt(now: InstantMs, bytes: number): InstantMs {
    this.#fill(now);
    const lack = bytes - this.#bytes;
    return lack <= 0 ? now : after(now, Math.ceil(lack / this.#bytesPerMs));
  }

  #fill(now: InstantMs): void {
    const gained = Math.max(0, now - this.#filledAt) * this.#bytesPerMs;
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + gained);
    this.#filledAt = now;
  }
}
