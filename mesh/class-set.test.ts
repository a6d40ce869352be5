import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { CLASSES } from "../core/index.ts";
import { classesIn, isIn, sizeOf, without } from "./class-set.ts";

test("a class set behaves like a set of the numbers 0 to 16", () => {
  const set = fc.uniqueArray(fc.nat(CLASSES - 1));
  const bitsOf = (list: readonly number[]): number =>
    list.reduce((bits, symbolClass) => bits | (1 << symbolClass), 0);
  fc.assert(
    fc.property(set, set, (some, others) => {
      const ascending = [...some].sort((a, b) => a - b);
      expect(classesIn(bitsOf(some))).toEqual(ascending);
      expect(sizeOf(bitsOf(some))).toBe(some.length);
      expect(classesIn(without(bitsOf(some), bitsOf(others)))).toEqual(
        ascending.filter((symbolClass) => !others.includes(symbolClass)),
      );
      for (let symbolClass = 0; symbolClass < CLASSES; symbolClass++) {
        expect(isIn(bitsOf(some), symbolClass)).toBe(some.includes(symbolClass));
      }
    }),
  );
});

test("the full set has all classes", () => {
  expect(sizeOf(2 ** CLASSES - 1)).toBe(CLASSES);
});
