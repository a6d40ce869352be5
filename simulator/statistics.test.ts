import { describe, expect, test } from "@jest/globals";
import { cdfQuantile, estimate, isSignificant, mergeCdfs, pairedDifference } from "./statistics.ts";

describe("an estimate over seeds", () => {
  test("is the mean with Student's interval", () => {
    // 2 ± 4.3027 * 1 / sqrt(3)
    expect(estimate([1, 2, 3])).toEqual({
      mean: 2,
      halfWidth: expect.closeTo(2.484_16, 4),
      count: 3,
    });
  });

  test.each([
    [9, 2.2622],
    [10, 2.2281],
    [19, 2.093],
    [29, 2.0452],
    [119, 1.9801],
  ])("uses the t quantile for %i degrees of freedom", (freedom, quantile) => {
    const values = Array.from({ length: freedom + 1 }, (_, index) => (index % 2 === 0 ? 1 : -1));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / freedom;
    const { halfWidth } = estimate(values);
    expect(halfWidth / Math.sqrt(variance / values.length)).toBeCloseTo(quantile, 3);
  });

  test("of one run says nothing about its error", () => {
    expect(estimate([7])).toEqual({ mean: 7, halfWidth: Number.POSITIVE_INFINITY, count: 1 });
  });

  test("pairs runs of one seed, which tells small differences between wide runs", () => {
    const a = [10, 50, 90, 130];
    const difference = pairedDifference(
      a,
      a.map((value, index) => value + 2 + 0.1 * index),
    );
    expect(difference.mean).toBeCloseTo(2.15, 6);
    expect(isSignificant(difference)).toBe(true);
    expect(isSignificant(pairedDifference(a, [50, 10, 130, 90]))).toBe(false);
  });

  test("refuses pairs that are none", () => {
    expect(() => pairedDifference([1], [1, 2])).toThrow("paired runs have the same seeds");
  });
});

describe("merged distributions", () => {
  const few = {
    cdf: [
      [1, 0.5],
      [3, 1],
    ] as const,
    count: 2,
  };
  const many = {
    cdf: [
      [2, 0.5],
      [3, 1],
    ] as const,
    count: 6,
  };

  test("weigh each by its samples", () => {
    expect(mergeCdfs([few, many])).toEqual([
      [1, 0.125],
      [2, 0.5],
      [3, 1],
    ]);
  });

  test("give the quantiles of all samples", () => {
    const merged = mergeCdfs([few, many, { cdf: [], count: 0 }]);
    expect([0, 0.5, 0.51, 1].map((share) => cdfQuantile(merged, share))).toEqual([1, 2, 3, 3]);
    expect(cdfQuantile([], 0.5)).toBeNaN();
  });
});
