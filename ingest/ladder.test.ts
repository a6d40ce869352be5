import { describe, expect, test } from "@jest/globals";
import { parseRenditionPolicy } from "../core/index.ts";
import { CoreBudget } from "./core-budget.ts";
import { ladderCores, ladderOf, ladderText, renditionsOf } from "./ladder.ts";
import type { TrackPlan } from "./track-plan.ts";

const COPIED: TrackPlan = {
  ...{ video: "copy", audio: "copy", videoCodec: undefined, audioCodec: undefined },
  picture: undefined,
};

function ladderFor(policy: string, picture: TrackPlan["picture"], plan: Partial<TrackPlan> = {}) {
  const parsed = parseRenditionPolicy(policy);
  if (parsed === undefined) throw new Error(`no policy: ${policy}`);
  return ladderOf(parsed, { ...COPIED, ...plan, picture });
}

function heightsOf(...args: Parameters<typeof ladderFor>): string {
  const ladder = ladderFor(...args);
  return ladder === undefined ? "copied" : ladderText(ladder);
}

describe("a ladder", () => {
  test.each([
    [2160, "1080p, 720p, 360p"],
    [1080, "1080p, 720p, 360p"],
    [900, "900p, 360p"],
    [720, "720p, 360p"],
    [480, "480p, 360p"],
    [360, "360p"],
  ])("suits a source of %p lines", (heightPx, text) => {
    expect(heightsOf("ladder", { heightPx })).toBe(text);
  });

  test("never makes a picture larger than its source, nor the same one twice", () => {
    expect(heightsOf("1080p,720p,360p,audio", { heightPx: 720 })).toBe("720p, 360p, audio");
    expect(heightsOf("1080p,720p,360p", { heightPx: 540 })).toBe("540p, 360p");
    expect(heightsOf("1080p", { heightPx: 360 })).toBe("360p");
  });

  test("has the best first, in whatever order it was asked for", () => {
    expect(heightsOf("audio,360p,1080p", { heightPx: 1080 })).toBe("1080p, 360p, audio");
  });

  test("leaves alone what has no picture, and has no sound where there is none", () => {
    expect(heightsOf("passthrough", { heightPx: 1080 })).toBe("copied");
    expect(heightsOf("ladder", undefined, { video: "none" })).toBe("copied");
    expect(heightsOf("720p,audio", undefined, { audio: "none" })).toBe("720p");
    expect(heightsOf("audio", { heightPx: 720 })).toBe("copied");
  });

  test("takes the bit rates that it is told, and else those that suit height and rate", () => {
    const rates = (policy: string, fps: number) =>
      ladderFor(policy, { heightPx: 1080, fps })?.video.map(({ kbps }) => kbps);
    expect(rates("1080p,720p@2000,360p", 30)).toEqual([5000, 2000, 730]);
    expect(rates("1080p,720p@2000,360p", 60)).toEqual([7500, 2000, 1100]);
  });

  test("counts its renditions, the sound too", () => {
    const ladder = ladderFor("720p,360p,audio", { heightPx: 720 });
    expect(ladder && renditionsOf(ladder)).toBe(3);
  });
});

describe("the cores that a ladder takes", () => {
  test("grow with its pictures, and are few with an encoder in hardware", () => {
    const cores = (policy: string, isSoftware: boolean) => {
      const picture = { heightPx: 1080, fps: 30 };
      const ladder = ladderFor(policy, picture);
      return ladder === undefined ? 0 : ladderCores(ladder, picture, isSoftware);
    };
    expect(cores("1080p,720p,360p", true)).toBeGreaterThan(cores("720p,360p", true));
    expect(cores("1080p,720p,360p", false)).toBeLessThan(cores("1080p,720p,360p", true) / 3);
  });

  test("are given out as long as there are some, and come back", () => {
    const budget = new CoreBudget(2);
    const [first, second] = [{}, {}];
    budget.take(first, 1.5);
    expect(() => budget.take(second, 0.6)).toThrow("about 0.6 cores, and 0.5 of 2.0 are left");
    budget.release(first);
    budget.take(second, 0.6);
    expect(budget.taken).toBe(0.6);
  });
});
