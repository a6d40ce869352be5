/** Pseudo-random samples for the code's tests: the same seed gives the same ones. */

/** Bytes drawn from `seed` by a linear congruential generator. */
export function bytesFrom(seed: number, length: number): Uint8Array {
  const next = generatorFrom(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = next() >>> 24;
  return bytes;
}

/** `length` different numbers of 0..count-1, in an order drawn from `seed`. */
export function pickedFrom(seed: number, count: number, length: number): number[] {
  const next = generatorFrom(seed);
  const keyed = Array.from({ length: count }, (_, number) => [next(), number] as const);
  return keyed
    .sort(([a], [b]) => a - b)
    .slice(0, length)
    .map(([, number]) => number);
}

function generatorFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}
