import { describe, expect, test } from "@jest/globals";
import {
  eclipseProbability,
  feasibilityProbability,
  flashCrowdS,
  lossOverheadRatio,
  maxOffload,
  maxRateBps,
  minOriginBps,
  minSymbols,
  outageRatio,
  supplyRatio,
  withheldRateBps,
} from "./bounds.ts";
import {
  type Broadcast,
  greedyBroadcastS,
  lowerBroadcastS,
  segmentFloorS,
} from "./bounds-broadcast.ts";

const RATE_BPS = 3e6;
const PIECE_BITS = 16 * 1024 * 8;

type Mix = readonly (readonly [share: number, uplinkBps: number])[];
const MIXES = {
  even: [[1, 1.2 * RATE_BPS]],
  tight: [
    [0.1, 5 * RATE_BPS],
    [0.35, 1.2 * RATE_BPS],
    [0.35, 0.6 * RATE_BPS],
    [0.2, 0],
  ],
  bb20: [
    [0.1, 25e6],
    [0.25, 10e6],
    [0.3, 5e6],
    [0.15, 1e6],
    [0.2, 0],
  ],
} as const satisfies Record<string, Mix>;
type MixName = keyof typeof MIXES;

function uplinks(mix: MixName, viewers: number): readonly number[] {
  return MIXES[mix].flatMap(([share, bps]) =>
    Array.from({ length: Math.round(share * viewers) }, () => bps),
  );
}

function same(uplinkBps: number, viewers: number): readonly number[] {
  return Array.from({ length: viewers }, () => uplinkBps);
}

function piece(mix: MixName, viewers: number, more: Partial<Broadcast> = {}): Broadcast {
  return {
    originBps: 10 * RATE_BPS,
    uplinksBps: uplinks(mix, viewers),
    bits: PIECE_BITS,
    hopS: 0.05,
    ...more,
  };
}

function p99(times: readonly number[]): number {
  return times[Math.ceil(0.99 * times.length) - 1] ?? Number.NaN;
}

describe("rate and origin load", () => {
  test("the mixes have the supply that the literature's scenarios want", () => {
    expect(supplyRatio(uplinks("tight", 1000), RATE_BPS)).toBeCloseTo(1.13, 6);
    expect(supplyRatio(uplinks("bb20", 1000), RATE_BPS)).toBeCloseTo(2.217, 3);
  });

  test("the highest rate is what all uplinks give, and never more than the origin has", () => {
    const uplinksBps = uplinks("tight", 1000);
    expect(maxRateBps({ originBps: 10 * RATE_BPS, uplinksBps }) / RATE_BPS).toBeCloseTo(1.14, 6);
    expect(maxRateBps({ originBps: 5, uplinksBps })).toBe(5);
  });

  test("an origin sends every byte once, and what the viewers lack", () => {
    expect(maxOffload(uplinks("bb20", 1000), RATE_BPS)).toBeCloseTo(0.999, 6);
    expect(maxOffload(uplinks("tight", 1000), RATE_BPS, 0.1)).toBeCloseTo(0.9989, 6);
    expect(minOriginBps(same(0.5 * RATE_BPS, 100), RATE_BPS)).toBeCloseTo(50 * RATE_BPS, 3);
  });

  test("withholders lower the rate", () => {
    const supply = { originBps: 10 * RATE_BPS, uplinksBps: uplinks("bb20", 1000) };
    expect(withheldRateBps(supply, 0.4) / RATE_BPS).toBeCloseTo(1.34, 2);
    expect(withheldRateBps(supply, 0.5) / RATE_BPS).toBeCloseTo(1.12, 2);
  });
});

describe("the broadcast of one piece", () => {
  test.each([
    [1, 6],
    [2, 9],
    [3, 10],
    [5, 15],
  ])("follows the postal model with latency %i", (lambda, slots) => {
    const reached = [1]; // Generalised Fibonacci: F(t) = F(t - 1) + F(t - lambda).
    for (let slot = 1; slot <= slots; slot++) {
      reached.push((reached[slot - 1] ?? 0) + (slot >= lambda ? (reached[slot - lambda] ?? 0) : 0));
    }
    const viewers = (reached[slots] ?? 0) - 1;
    const unit = { originBps: 1, bits: 1, hopS: lambda - 1 };
    const last = (count: number) =>
      greedyBroadcastS({ ...unit, uplinksBps: same(1, count) }).at(-1);
    expect(last(viewers)).toBeLessThanOrEqual(slots);
    expect(last(viewers + 1)).toBeGreaterThan(slots);
  });

  test("doubles the holders in each slot when there is no latency", () => {
    const broadcast = { originBps: 1, uplinksBps: same(1, 1023), bits: 1, hopS: 0 };
    expect(greedyBroadcastS(broadcast).at(-1)).toBe(10);
  });

  test.each([
    ["even", 200, 0.05, undefined, 0.3],
    ["even", 1000, 0.15, undefined, 0.72],
    ["tight", 1000, 0.05, undefined, 0.28],
    ["tight", 1000, 0.15, undefined, 0.54],
    ["tight", 1000, 0.15, 8, 0.6],
    ["bb20", 1000, 0.05, 8, 0.26],
    ["bb20", 10_000, 0.15, undefined, 0.63],
    ["bb20", 10_000, 0.15, 8, 0.74],
  ] as const)(
    "%s, %i viewers, hop %f s, degree %p: p99 %f s",
    (mix, viewers, hopS, degreeMax, expectedS) => {
      const more = degreeMax === undefined ? { hopS } : { hopS, degreeMax };
      const times = greedyBroadcastS(piece(mix, viewers, more));
      expect(times).toHaveLength(viewers);
      expect(Math.abs(p99(times) - expectedS)).toBeLessThanOrEqual(0.005);
    },
  );

  test.each([
    ["tight", 0.05],
    ["bb20", 0.15],
    ["even", 0.05],
  ] as const)("no schedule beats the fluid one: %s, hop %f s", (mix, hopS) => {
    const broadcast = piece(mix, 500, { hopS });
    const greedy = greedyBroadcastS(broadcast);
    const lower = lowerBroadcastS(broadcast);
    expect(lower).toHaveLength(500);
    lower.forEach((timeS, index) => {
      expect(timeS).toBeLessThanOrEqual((greedy[index] ?? 0) + 1e-9);
    });
    expect(p99(lower)).toBeGreaterThan(0.85 * p99(greedy));
  });

  test("whole segments miss a deadline that pieces keep", () => {
    const segment = (originBps: number) => piece("tight", 1000, { bits: 2 * RATE_BPS, originBps });
    expect(segmentFloorS(segment(10 * RATE_BPS), 1)).toBeCloseTo(5.2, 1);
    expect(segmentFloorS(segment(10 * RATE_BPS), 46)).toBeCloseTo(1.75, 2);
    expect(segmentFloorS(segment(1.2 * RATE_BPS), 46)).toBeCloseTo(2.01, 2);
  });
});

describe("coding and loss", () => {
  test.each([
    [64, 0.01, 1e-4, 69],
    [64, 0.05, 1e-4, 76],
    [128, 0.05, 1e-6, 151],
    [32, 0.2, 1e-6, 60],
  ])("k = %i, loss %f, failure %f: %i symbols", (k, loss, failure, n) => {
    expect(minSymbols(k, loss, failure)).toBe(n);
  });

  test("no code does better than the loss itself", () => {
    expect(lossOverheadRatio(0.05)).toBeCloseTo(0.0526, 4);
    expect(minSymbols(256, 0.05, 1e-4) / 256 - 1).toBeGreaterThan(lossOverheadRatio(0.05));
    expect(minSymbols(64, 0, 1e-9)).toBe(64);
  });

  test.each([
    [300, 1, 2],
    [300, 3, 3],
    [60, 3, 6],
  ])(
    "parents that stay %i s and are replaced in %i s: %i parities for 16",
    (sessionS, repairS, parities) => {
      expect(minSymbols(16, outageRatio(sessionS, repairS), 1e-4) - 16).toBe(parities);
    },
  );
});

describe("crowds, churn and attackers", () => {
  test.each([
    [1.13, 10, 27.8],
    [1.13, 30, 20.2],
    [1.13, 100, 10.9],
    [2.2, 10, 3.7],
  ])(
    "supply %f, origin %i: a crowd of 900 is absorbed in %f s",
    (supply, originRatio, expectedS) => {
      const crowd = { fromViewers: 100, toViewers: 1000, bufferS: 2, originRatio };
      expect(flashCrowdS({ ...crowd, supplyRatio: supply })).toBeCloseTo(expectedS, 1);
    },
  );

  test("without a surplus only the origin fills buffers, and a deficit that it cannot cover never ends", () => {
    const crowd = { fromViewers: 100, toViewers: 1000, bufferS: 2, originRatio: 10 };
    expect(flashCrowdS({ ...crowd, supplyRatio: 1 })).toBe(180);
    expect(flashCrowdS({ ...crowd, supplyRatio: 0.9 })).toBe(Number.POSITIVE_INFINITY);
    expect(flashCrowdS({ ...crowd, toViewers: 100, supplyRatio: 0.9 })).toBe(0);
  });

  test.each([
    [1.0, 1000, 10, 0.6035],
    [1.05, 1000, 10, 0.933],
    [1.1, 100, 10, 0.9338],
    [1.15, 1000, 1, 0.9997],
    [1.0, 100, 30, 0.9936],
  ])(
    "supply %f, %i viewers, origin %i: enough with probability %f",
    (supply, viewers, originRatio, expected) => {
      const mean = supplyRatio(uplinks("tight", 1000), 1);
      const classes = MIXES.tight.map(([share, bps]) => ({
        count: share * viewers,
        uplinkBps: (bps * supply) / mean,
      }));
      expect(feasibilityProbability(originRatio, classes, 1)).toBeCloseTo(expected, 4);
    },
  );

  test("a random peer is eclipsed with the attackers' share to the power of its degree", () => {
    expect(eclipseProbability(0.8, 8)).toBeCloseTo(0.168, 3);
    expect(eclipseProbability(0.5, 12)).toBeCloseTo(2.44e-4, 6);
  });
});
