/** Arrival is compared with what it was in the last two minutes. */
const BUCKET_MS = 1000;
const BUCKETS = 120;
/** What counts as now. */
const NEWEST = 2;
/** A drift is only seen over this long, between the best of ten seconds at each end. */
const DRIFT_BUCKETS_MIN = 60;
const DRIFT_EDGE_BUCKETS = 10;
const BACKWARDS_MS = 500;
const FORWARDS_MS = 3000;
const JUMP_MEMORY_MS = 60_000;

/** How the publisher's clock runs beside ours. */
export interface ArrivalFacts {
  /** How much later media come now than at the best moment of the last two minutes. */
  readonly lagMs: number;
  /** Parts per million by which the publisher's clock is fast (above zero) or slow; undefined until known. */
  readonly driftPpm: number | undefined;
  /** Leaps of the publisher's timestamps in the last minute. */
  readonly jumps: number;
}

/** Compares one track's timestamps with the time at which they arrive. Time is an argument. */
export class ArrivalMeter {
  /** The earliest arrival in each second, minus its timestamp. */
  #buckets: number[] = [];
  #bucketEndMs = Number.NEGATIVE_INFINITY;
  #last: { readonly nowMs: number; readonly mediaMs: number } | undefined;
  #jumpsAtMs: number[] = [];

  /**
   * Takes one tag's timestamp, and the time at which it came, in milliseconds of any steady clock. True
   * when the timestamp leapt.
   */
  push(nowMs: number, mediaMs: number): boolean {
    const leapt = this.#isLeap(nowMs, mediaMs);
    if (leapt) this.#leap(nowMs);
    this.#last = { nowMs, mediaMs };
    const offsetMs = nowMs - mediaMs;
    if (nowMs >= this.#bucketEndMs) {
      this.#bucketEndMs = nowMs + BUCKET_MS;
      this.#buckets.push(offsetMs);
      if (this.#buckets.length > BUCKETS) this.#buckets.shift();
    } else if (offsetMs < (this.#buckets.at(-1) ?? Number.POSITIVE_INFINITY)) {
      this.#buckets[this.#buckets.length - 1] = offsetMs;
    }
    return leapt;
  }

  /** What the last minutes tell. */
  facts(nowMs: number): ArrivalFacts {
    this.#jumpsAtMs = this.#jumpsAtMs.filter((atMs) => nowMs - atMs < JUMP_MEMORY_MS);
    const newestMs = Math.min(...this.#buckets.slice(-NEWEST));
    const bestMs = Math.min(...this.#buckets);
    return {
      lagMs: this.#buckets.length === 0 ? 0 : newestMs - bestMs,
      driftPpm: this.#driftPpm(),
      jumps: this.#jumpsAtMs.length,
    };
  }

  #driftPpm(): number | undefined {
    const count = this.#buckets.length;
    if (count < DRIFT_BUCKETS_MIN) return undefined;
    const earlyMs = Math.min(...this.#buckets.slice(0, DRIFT_EDGE_BUCKETS));
    const lateMs = Math.min(...this.#buckets.slice(-DRIFT_EDGE_BUCKETS));
    const elapsedMs = (count - DRIFT_EDGE_BUCKETS) * BUCKET_MS;
    return Math.round(((earlyMs - lateMs) / elapsedMs) * 1e6);
  }

  #isLeap(nowMs: number, mediaMs: number): boolean {
    if (this.#last === undefined) return false;
    const mediaStepMs = mediaMs - this.#last.mediaMs;
    const stepMs = nowMs - this.#last.nowMs;
    return mediaStepMs < -BACKWARDS_MS || mediaStepMs > stepMs + FORWARDS_MS;
  }

  #leap(nowMs: number): void {
    this.#jumpsAtMs.push(nowMs);
    this.#buckets = [];
    this.#bucketEndMs = Number.NEGATIVE_INFINITY;
  }
}
