/**
 * A new random order for each round: what ran before fills the caches and sets the clock rate, so that
 * nobody may always come after the same one.
 */
export function shuffled<Contestant>(contestants: readonly Contestant[]): Contestant[] {
  return contestants
    .map((contestant) => [Math.random(), contestant] as const)
    .sort(([a], [b]) => a - b)
    .map(([, contestant]) => contestant);
}

/** The value in the middle; NaN of none. */
export function medianOf(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
