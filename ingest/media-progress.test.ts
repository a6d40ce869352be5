import { describe, expect, test } from "@jest/globals";
import { type MediaProgress, progressProblem } from "./media-progress.ts";

const GOOD: MediaProgress = { stalledMs: 0, segmentAgeMs: 0, gopS: 1, silenceTimeoutMs: 10_000 };
const codeOf = (changes: Partial<MediaProgress>): string | undefined =>
  progressProblem({ ...GOOD, ...changes })?.code;

describe("a publisher's media", () => {
  test("stand still when ffmpeg does, later than a silent publisher is let go", () => {
    expect(codeOf({ stalledMs: 12_000 })).toBeUndefined();
    expect(codeOf({ stalledMs: 12_001 })).toBe("ffmpeg-stalled");
  });

  test("stand still when no segment gets complete, counted in key frames if they are rare", () => {
    expect(codeOf({ segmentAgeMs: 15_001 })).toBe("segment-overdue");
    expect(codeOf({ segmentAgeMs: 24_000, gopS: 8 })).toBeUndefined();
    expect(codeOf({ segmentAgeMs: 24_001, gopS: 8 })).toBe("segment-overdue");
  });

  test("may rest as long as the operator lets a publisher be silent", () => {
    const resting = { stalledMs: 59_000, segmentAgeMs: 59_000, silenceTimeoutMs: 60_000 };
    expect(codeOf(resting)).toBeUndefined();
    expect(codeOf({ ...resting, stalledMs: 5000, segmentAgeMs: 5000 })).toBeUndefined();
    expect(codeOf({ ...resting, silenceTimeoutMs: 1000 })).toBe("ffmpeg-stalled");
  });
});
