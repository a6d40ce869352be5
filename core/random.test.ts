import { describe, expect, test } from "@jest/globals";
import { Random } from "./random.ts";

describe("Random", () => {
  test("gives the same numbers for the same seed, and others for another", () => {
    const numbersOf = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.u32());
    };
    expect(numbersOf(1)).toEqual(numbersOf(1));
    expect(numbersOf(1)).not.toEqual(numbersOf(2));
    expect(numbersOf(1)).not.toEqual(numbersOf(2 ** 32 + 1));
  });

  test("spreads its numbers evenly", () => {
    const random = new Random(7);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) {
      const bucket = random.below(10);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test("shuffles without loss", () => {
    const random = new Random(5);
    const items = Array.from({ length: 50 }, (_, at) => at);
    const shuffled = random.shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
    expect(random.pick([])).toBeUndefined();
    expect(items).toContain(random.pick(items));
  });
});
