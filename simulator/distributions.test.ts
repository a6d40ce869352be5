import { expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { exponential, forked, normal } from "./distributions.ts";

test("the distributions have their mean and their spread", () => {
  const random = new Random(3);
  const draws = 50_000;
  let sum = 0;
  let squares = 0;
  let waited = 0;
  for (let draw = 0; draw < draws; draw++) {
    const value = normal(random);
    sum += value;
    squares += value * value;
    waited += exponential(random, 30);
  }
  expect(Math.abs(sum / draws)).toBeLessThan(0.03);
  expect(Math.abs(squares / draws - 1)).toBeLessThan(0.03);
  expect(Math.abs(waited / draws - 30)).toBeLessThan(1);
});

test("each fork is a generator of its own", () => {
  const random = new Random(5);
  expect(forked(random).u32()).not.toBe(forked(random).u32());
});
