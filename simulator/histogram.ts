import type { Quantiles } from "./run-result.ts";

/** Delays above this are counted as this. */
const DELAY_MAX_MS = 30_000;
const BUCKETS_PER_MS = 1;
const CDF_POINTS_MAX = 200;

/** How often each delay occurred, to the millisecond, in constant memory. */
export class DelayHistogram {
  readonly #counts = new Uint32Array(DELAY_MAX_MS * BUCKETS_PER_MS + 1);
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  add(delayMs: number): void {
    const bucket = Math.min(this.#counts.length - 1, Math.ceil(delayMs * BUCKETS_PER_MS));
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    this.#sum += delayMs;
    if (delayMs > this.#max) this.#max = delayMs;
  }

  /** The least delay, rounded up to a millisecond, that `share` of all do not exceed; 0 if there are none. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(this.#count * share));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(bucket / BUCKETS_PER_MS, this.#max);
    }
    return 0;
  }

  quantiles(): Quantiles {
    return {
      p50: this.quantile(0.5),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
      max: this.#max,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      count: this.#count,
    };
  }

  /** Points of the cumulative distribution: [delay in ms, share of all that do not exceed it]. */
  cdf(): [number, number][] {
    const points: [number, number][] = [];
    let seen = 0;
    let shown = 0;
    for (let bucket = 0; bucket < this.#counts.length && seen < this.#count; bucket++) {
      seen += this.#counts[bucket] as number;
      const isLast = seen === this.#count;
      if (seen - shown < this.#count / CDF_POINTS_MAX && !isLast) continue;
      shown = seen;
      points.push([bucket / BUCKETS_PER_MS, seen / this.#count]);
    }
    return points;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }
}
