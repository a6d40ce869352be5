import { describe, expect, test } from "@jest/globals";
import { MeshTrial } from "./mesh-trial.ts";

const SLOW = 0.9;
const FAST = 0.1;

/** Loses segments until the mesh is left; how many, and for how long. */
function lossesUntilRest(trial: MeshTrial, loadShare: number): [number, number | undefined] {
  for (let losses = 1; losses <= 100; losses++) {
    const restMs = trial.lost(loadShare);
    if (restMs !== undefined) return [losses, restMs];
  }
  return [100, undefined];
}

describe("whether the mesh is worth its bytes", () => {
  test("a viewer with a slow line leaves after four segments that came too late", () => {
    expect(lossesUntilRest(new MeshTrial(), SLOW)).toEqual([4, 60_000]);
  });

  test("a viewer whose line has room stays, however long the mesh fails", () => {
    expect(lossesUntilRest(new MeshTrial(), FAST)).toEqual([100, undefined]);
  });

  test("a line on which HTTP takes as long as the video lasts has no room for it", () => {
    expect([FAST, SLOW].map(MeshTrial.hasRoom)).toEqual([true, false]);
  });

  test("a segment in time starts the count anew", () => {
    const trial = new MeshTrial();
    for (let round = 0; round < 10; round++) {
      for (let lost = 0; lost < 3; lost++) expect(trial.lost(SLOW)).toBeUndefined();
      trial.won();
    }
  });

  test("stays away for longer each time, until the mesh has been good for a while", () => {
    const trial = new MeshTrial();
    const rests = Array.from({ length: 6 }, () => lossesUntilRest(trial, SLOW)[1]);
    expect(rests).toEqual([60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    for (let segment = 0; segment < 30; segment++) trial.won();
    expect(lossesUntilRest(trial, SLOW)[1]).toBe(60_000);
  });
});
