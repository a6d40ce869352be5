import { assert } from "../../core/index.ts";

const SAMPLES_MAX = 100_000;

/** Delays of segments in milliseconds, and their quantiles. Past 100,000 the oldest are replaced. */
export class DelaySummary {
  readonly #samples: number[] = [];
  #count = 0;

  add(delayMs: number): void {
    this.#samples[this.#count % SAMPLES_MAX] = delayMs;
    this.#count++;
  }

  /** The nearest-rank quantile for 0 < `share` <= 1, or null without samples. */
  quantile(share: number): number | null {
    assert(share > 0 && share <= 1, "a quantile is of a share in (0, 1]");
    const sorted = Float64Array.from(this.#samples).sort();
    return sorted[Math.ceil(share * sorted.length) - 1] ?? null;
  }
}
