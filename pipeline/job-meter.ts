import { assert } from "../core/index.ts";

/** The newest durations that quantiles are taken of. */
const SAMPLES_MAX = 1024;

/** What a worker role did so far. Durations are of the newest jobs. */
export interface JobStats {
  readonly done: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Counts the jobs of one role and how long they took. */
export class JobMeter {
  #done = 0;
  #failed = 0;
  readonly #samplesMs: number[] = [];

  /** Runs `work` and counts it. */
  async measure<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const startedAt = performance.now();
    try {
      const answer = await work();
      this.#samplesMs[this.#done++ % SAMPLES_MAX] = performance.now() - startedAt;
      return answer;
    } catch (error) {
      this.#failed++;
      throw error;
    }
  }

  stats(): JobStats {
    const sorted = this.#samplesMs.toSorted((a, b) => a - b);
    return {
      done: this.#done,
      failed: this.#failed,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    };
  }
}

/** The nearest-rank quantile of ascending values; 0 when there is none. */
export function quantile(ascending: readonly number[], share: number): number {
  assert(share >= 0 && share <= 1, "a quantile is a share of the values");
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? 0;
}
