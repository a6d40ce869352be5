import { describe, expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { logisticArrivals, type MixName, Sessions, UplinkDeck } from "./workload.ts";

const STREAM_BPS = 3_000_000;

function meanUplink(mix: MixName, supply: number): number {
  const deck = new UplinkDeck(new Random(1), mix, STREAM_BPS, supply);
  let sum = 0;
  for (let viewer = 0; viewer < 1000; viewer++) sum += deck.deal();
  return sum / 1000 / STREAM_BPS;
}

describe("UplinkDeck", () => {
  test.each<[MixName, number]>([
    ["tight", 1.13],
    ["bb20", 2.217],
    ["h1.2", 1.2],
  ])("%s supplies %d times the stream's rate", (mix, supply) => {
    expect(meanUplink(mix, 0)).toBeCloseTo(supply, 2);
  });

  test("a wanted supply scales the mix", () => {
    expect(meanUplink("tight", 1.06)).toBeCloseTo(1.06, 9);
  });

  test("every 20 viewers have the exact shares", () => {
    const deck = new UplinkDeck(new Random(2), "bb20", STREAM_BPS, 0);
    for (let round = 0; round < 3; round++) {
      const uplinks = Array.from({ length: 20 }, () => deck.deal());
      expect(uplinks.filter((uplink) => uplink === 0)).toHaveLength(4);
      expect(uplinks.filter((uplink) => uplink === 25e6)).toHaveLength(2);
    }
  });
});

describe("Sessions", () => {
  test("have the median and the mean of the lognormal distribution", () => {
    const sessions = new Sessions(new Random(3), 5.5, 1.44);
    const drawn = Array.from({ length: 100_001 }, () => sessions.draw()).sort((a, b) => a - b);
    expect(Math.abs(Number(drawn[50_000]) / 1000 / 244.7 - 1)).toBeLessThan(0.03);
    expect(sessions.meanMs / 1000).toBeCloseTo(690, 0);
  });

  test("those met under way have longer to go than a newcomer has in all", () => {
    const sessions = new Sessions(new Random(4), 5.5, 1.44);
    const rests = Array.from({ length: 50_001 }, () => sessions.drawRest()).sort((a, b) => a - b);
    // In the stationary population one viewer leaves per mean session: P(rest < t) ~ t / mean for small t.
    const soon = rests.filter((rest) => rest < 5000).length / rests.length;
    expect(Math.abs(soon / (5000 / sessions.meanMs) - 1)).toBeLessThan(0.15);
  });
});

describe("logisticArrivals", () => {
  test("come in order within the time, most of them in its middle", () => {
    const times = logisticArrivals(new Random(5), 1000, 10_000);
    expect(times).toHaveLength(1000);
    expect(times.every((time, at) => time >= Number(times[at - 1] ?? 0))).toBe(true);
    expect(Number(times.at(-1))).toBeLessThanOrEqual(10_000);
    const middle = times.filter((time) => time > 2500 && time < 7500).length;
    expect(middle).toBeGreaterThan(700);
  });
});
