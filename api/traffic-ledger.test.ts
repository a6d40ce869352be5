import { describe, expect, test } from "@jest/globals";
import { growthSince, NO_TRAFFIC, offloadOf } from "./traffic-ledger.ts";

describe("the offload", () => {
  test("is unknown before anything was played", () => {
    expect(offloadOf([])).toBeNull();
    expect(offloadOf([NO_TRAFFIC])).toBeNull();
  });

  test("is nothing when everybody plays over HTTP", () => {
    expect(offloadOf([{ ...NO_TRAFFIC, httpBytes: 5000 }])).toBe(0);
  });

  test("counts what seeds and HTTP sent against what was played, over all streams", () => {
    const mesh = { ...NO_TRAFFIC, playedBytes: 900, fromSeedsBytes: 80, fromHttpBytes: 10 };
    const traffics = [
      { ...mesh, httpBytes: 10 },
      { ...NO_TRAFFIC, httpBytes: 100 },
    ];
    expect(offloadOf(traffics)).toBeCloseTo(1 - (10 + 100 + 80) / (900 + 100), 10);
  });

  test("stays between 0 and 1 whatever viewers claim", () => {
    expect(offloadOf([{ ...NO_TRAFFIC, playedBytes: 10, fromSeedsBytes: 90 }])).toBe(0);
  });
});

describe("the growth of a viewer's report", () => {
  const last = { ...NO_TRAFFIC, playedBytes: 100, blocks: 5 };

  test("is what came since the last one, never negative", () => {
    expect(growthSince(last, { ...last, playedBytes: 150, blocks: 4 })).toMatchObject({
      playedBytes: 50,
      blocks: 0,
    });
  });

  test("is nothing when it claims more than a viewer can play", () => {
    expect(growthSince(last, { ...last, playedBytes: 2e9 })).toEqual({});
  });
});
