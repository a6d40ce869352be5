import { describe, expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { BurstLoss } from "./burst-loss.ts";

describe("BurstLoss", () => {
  test.each([
    [0.01, 3],
    [0.05, 8],
    [0.2, 10],
  ])("loses a share of %d in bursts of %d packets", (rate, burstPackets) => {
    const loss = new BurstLoss(new Random(11), rate, burstPackets);
    const packets = 1_000_000;
    let lost = 0;
    let bursts = 0;
    let wasLost = false;
    for (let packet = 0; packet < packets; packet++) {
      const isLost = loss.lost(0, 1) === 1;
      if (isLost) lost++;
      if (isLost && !wasLost) bursts++;
      wasLost = isLost;
    }
    expect(Math.abs(lost / packets / rate - 1)).toBeLessThan(0.06);
    expect(Math.abs(lost / bursts / burstPackets - 1)).toBeLessThan(0.06);
  });

  test("loses the same however packets are grouped, path by path", () => {
    const single = new BurstLoss(new Random(12), 0.05, 4);
    const grouped = new BurstLoss(new Random(12), 0.05, 4);
    let [lostSingly, lostInGroups] = [0, 0];
    for (let group = 0; group < 2000; group++) {
      for (let packet = 0; packet < 14; packet++) lostSingly += single.lost(5000, 1);
      lostInGroups += grouped.lost(5000, 14);
    }
    expect(lostInGroups).toBe(lostSingly);
    expect(lostSingly).toBeGreaterThan(0);
  });

  test("a rate of 0 loses nothing", () => {
    const loss = new BurstLoss(new Random(13), 0, 5);
    expect(loss.lost(0, 1_000_000)).toBe(0);
  });
});
