import { describe, expect, test } from "@jest/globals";
import { estimateText, numberText, type Unit } from "./number-text.ts";

describe("a number for a person", () => {
  test.each<[number, Unit, string]>([
    [0, "share", "0 %"],
    [0.000_012, "share", "1.2e−5"],
    [0.1234, "share", "12.3 %"],
    [0.9854, "share", "98.54 %"],
    [1, "share", "100 %"],
    [612.34, "ms", "612 ms"],
    [12_345, "ms", "12,345 ms"],
    [0.3333, "s", "0.333 s"],
    [1_234_567, "count", "1,234,567"],
    [2.2e10, "bytes", "22 GB"],
    [0, "bytes", "0 B"],
    [1.234, "ratio", "1.23×"],
    [Number.NaN, "ms", "–"],
    [Number.POSITIVE_INFINITY, "s", "∞"],
  ])("%p as %s is %s", (value, unit, text) => {
    expect(numberText(value, unit)).toBe(text);
  });

  test("has its interval, if there is one", () => {
    expect(estimateText({ mean: 1.5, halfWidth: 0.04, count: 20 }, "s")).toBe("1.5 s ± 0.04 s");
    expect(estimateText({ mean: 1.5, halfWidth: Number.POSITIVE_INFINITY, count: 1 }, "s")).toBe(
      "1.5 s",
    );
  });
});
