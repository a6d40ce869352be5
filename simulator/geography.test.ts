import { describe, expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { Geography, type Region } from "./geography.ts";

function medianRttMs(geography: Geography): number {
  const random = new Random(99);
  const rtts = Array.from(
    { length: 20_000 },
    () => 2 * geography.delayMs(geography.place(random), geography.place(random)),
  );
  return Number(rtts.sort((a, b) => a - b)[10_000]);
}

describe("Geography", () => {
  test.each<[Region, number]>([
    ["regional", 1],
    ["regional", 20],
    ["regional", 80],
    ["regional", 100],
    ["global", 160],
  ])("%s is calibrated to a median round-trip time of %d ms", (region, wanted) => {
    const median = medianRttMs(new Geography(region, wanted));
    expect(Math.abs(median / wanted - 1)).toBeLessThan(0.03);
  });

  test("delays are the same in both directions, and short within a city", () => {
    const geography = new Geography("global", 160);
    const random = new Random(5);
    const a = geography.place(random);
    const b = geography.place(random);
    expect(geography.delayMs(a, b)).toBe(geography.delayMs(b, a));
    expect(geography.delayMs(a, { ...a })).toBe(2 * a.accessMs);
  });
});
