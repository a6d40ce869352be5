import { describe, expect, test } from "@jest/globals";
import { at } from "./testing/test-state.ts";
import { TransferMeter } from "./transfer-meter.ts";

function durationOf(k: number, ...arrivalsMs: readonly number[]): number | undefined {
  const meter = new TransferMeter(k);
  for (const ms of arrivalsMs) meter.arrived(at(ms));
  return meter.durationMs;
}

describe("the time of a transfer", () => {
  test("is that of all symbols at the pace of most, whenever the first one came", () => {
    expect(durationOf(8, 500, 510, 520, 530, 540, 550, 560, 570)).toBe(80);
  });

  test("does not grow by the last ones, which may be late", () => {
    expect(durationOf(8, 0, 10, 20, 30, 40, 50, 900, 1900)).toBe(80);
  });

  test("is not known when most did not come, or there are hardly any", () => {
    expect(durationOf(8, 0, 10, 20, 30, 40)).toBeUndefined();
    expect(durationOf(1, 0)).toBeUndefined();
    expect(durationOf(8)).toBeUndefined();
  });
});
