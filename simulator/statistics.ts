import { assert } from "../core/index.ts";

/** A mean over independent runs, and how far it may be off. */
export interface Estimate {
  readonly mean: number;
  /** Half of the 95 % confidence interval (Student's t); infinite for a single run. */
  readonly halfWidth: number;
  readonly count: number;
}

/** Steps of a cumulative distribution: [value, share of all samples that are at most this], ascending. */
export type Cdf = readonly (readonly [value: number, share: number])[];

/** The mean of one or more runs' results, with its 95 % confidence interval. */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  assert(count > 0, "an estimate needs a value");
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { mean, halfWidth: Number.POSITIVE_INFINITY, count };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return { mean, halfWidth: tQuantile(count - 1) * Math.sqrt(variance / count), count };
}

/**
 * b - a, run by run: `a[i]` and `b[i]` come from the same seed, so that what the seed does to both falls out
 * and fewer runs tell a difference.
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): Estimate {
  assert(a.length === b.length, "paired runs have the same seeds");
  return estimate(b.map((value, index) => value - (a[index] ?? Number.NaN)));
}

/** Whether the interval leaves out zero: the difference is not chance (at 5 %). */
export function isSignificant({ mean, halfWidth }: Estimate): boolean {
  return Math.abs(mean) > halfWidth;
}

/** The distribution of all samples of several distributions together, each weighed by its number of samples. */
export function mergeCdfs(cdfs: readonly { readonly cdf: Cdf; readonly count: number }[]): Cdf {
  const filled = cdfs.filter(({ cdf, count }) => cdf.length > 0 && count > 0);
  const samples = filled.reduce((sum, { count }) => sum + count, 0);
  const steps = filled.flatMap(({ cdf, count }) =>
    cdf.map(([value, share], index): [number, number] => [
      value,
      ((share - (cdf[index - 1]?.[1] ?? 0)) * count) / samples,
    ]),
  );
  steps.sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  let share = 0;
  for (const [value, gain] of steps) {
    share += gain;
    const last = merged.at(-1);
    if (last?.[0] === value) last[1] = share;
    else merged.push([value, share]);
  }
  return merged;
}

/** The smallest value that a share of at least `probability` does not exceed; NaN of no samples. */
export function cdfQuantile(cdf: Cdf, probability: number): number {
  // Shares are sums of fractions: a hair below counts as reached.
  const step = cdf.find(([, share]) => share >= probability - 1e-9);
  return (step ?? cdf.at(-1))?.[0] ?? Number.NaN;
}

/** The 0.975 quantile of Student's t: a table, then its expansion around the normal quantile (Fisher and Cornish). */
function tQuantile(freedom: number): number {
  const tabled = T_QUANTILES[freedom - 1];
  if (tabled !== undefined) return tabled;
  return 1.959_964 + 2.372_27 / freedom + 2.8225 / freedom ** 2 + 2.5559 / freedom ** 3;
}

const T_QUANTILES = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306] as const;
