import { Random } from "../core/index.ts";

/** A number with the standard normal distribution (Box and Muller, 1958). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

/** A number with the exponential distribution of that mean. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next());
}

/** A generator of its own for a part of the work, so that parts do not shift each other's numbers. */
export function forked(random: Random): Random {
  return new Random(random.u32() * 2 ** 21 + (random.u32() >>> 11));
}
