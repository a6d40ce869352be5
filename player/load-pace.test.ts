import { describe, expect, test } from "@jest/globals";
import { LoadPace } from "./load-pace.ts";

/** A pace of loads that each took this long. */
function paceOf(loadMs: number): LoadPace {
  const pace = new LoadPace();
  for (let load = 0; load < 20; load++) pace.loaded(loadMs);
  return pace;
}

describe("the pace of loads over HTTP", () => {
  test("asks HTTP the sooner the longer it takes, and within bounds", () => {
    expect(paceOf(50).urgentMs).toBeCloseTo(1100, -1);
    expect(paceOf(1000).urgentMs).toBeCloseTo(3000, -1);
    expect(paceOf(60_000).urgentMs).toBe(4000);
    expect(paceOf(10).hurryMs(0)).toBe(200);
    expect(paceOf(10).hurryMs(3000)).toBe(1500);
    expect(paceOf(1000).hurryMs(0)).toBeCloseTo(2000, -1);
    expect(paceOf(60_000).hurryMs(0)).toBe(4000);
  });

  test("asks HTTP later once the mesh has brought five segments in a row", () => {
    const pace = paceOf(50);
    for (let segment = 0; segment < 4; segment++) pace.meshed();
    expect(pace.urgentMs).toBeCloseTo(1100, -1);
    pace.meshed();
    expect(pace.urgentMs).toBeCloseTo(600, -1);
    pace.loaded(50);
    expect(pace.urgentMs).toBeCloseTo(1100, -1);
  });
});
