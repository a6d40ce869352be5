import { describe, expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { exponential } from "./distributions.ts";
import { DelayHistogram } from "./histogram.ts";

describe("DelayHistogram", () => {
  test("gives the quantiles of the sorted delays, to the millisecond", () => {
    const random = new Random(3);
    const delays = Array.from({ length: 10_001 }, () => exponential(random, 400));
    const histogram = new DelayHistogram();
    for (const delay of delays) histogram.add(delay);
    delays.sort((a, b) => a - b);
    const { p50, p99, max, mean, count } = histogram.quantiles();
    expect(Math.abs(p50 - Number(delays[5000]))).toBeLessThanOrEqual(1);
    expect(Math.abs(p99 - Number(delays[9900]))).toBeLessThanOrEqual(1);
    expect(max).toBe(delays.at(-1));
    expect(count).toBe(10_001);
    expect(mean).toBeCloseTo(delays.reduce((sum, delay) => sum + delay, 0) / 10_001, 6);
  });

  test("draws a distribution that rises to 1 in at most 201 points", () => {
    const histogram = new DelayHistogram();
    for (let delay = 0; delay < 5000; delay++) histogram.add(delay);
    const cdf = histogram.cdf();
    expect(cdf.length).toBeLessThanOrEqual(201);
    expect(cdf.at(-1)).toEqual([4999, 1]);
    expect(cdf.every(([, share], at) => at === 0 || share > Number(cdf[at - 1]?.[1]))).toBe(true);
  });

  test("of nothing is zero", () => {
    const { p50, p99, max, mean, count } = new DelayHistogram().quantiles();
    expect([p50, p99, max, mean, count]).toEqual([0, 0, 0, 0, 0]);
    expect(new DelayHistogram().cdf()).toEqual([]);
  });
});
