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

  test("has the mean and the spread of its distributions", () => {
    const random = new Random(3);
    const draws = 50_000;
    let sum = 0;
    let squares = 0;
    let waited = 0;
    for (let draw = 0; draw < draws; draw++) {
      const value = random.normal();
      sum += value;
      squares += value * value;
      waited += random.exponential(30);
    }
    expect(Math.abs(sum / draws)).toBeLessThan(0.03);
    expect(Math.abs(squares / draws - 1)).toBeLessThan(0.03);
    expect(Math.abs(waited / draws - 30)).toBeLessThan(1);
  });

  test("shuffles without loss, and forks into generators of their own", () => {
    const random = new Random(5);
    const items = Array.from({ length: 50 }, (_, at) => at);
    const shuffled = random.shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
    expect(random.fork().u32()).not.toBe(random.fork().u32());
    expect(random.pick([])).toBeUndefined();
    expect(items).toContain(random.pick(items));
  });
});
