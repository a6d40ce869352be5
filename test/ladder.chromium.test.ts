import { expect, test } from "@jest/globals";
import { runLadder } from "./ladder-run.ts";

test("three renditions are cut at the same pictures, and viewers change between them without a gap", async () => {
  const run = await runLadder({ seconds: 20, stayS: 5, viewers: 1, tell: () => undefined });
  expect(run.renditions).toEqual([
    { codecs: "avc1.64001e,mp4a.40.2", resolution: "640x360" },
    { codecs: "avc1.640015,mp4a.40.2", resolution: "426x240" },
    { codecs: "avc1.64000c,mp4a.40.2", resolution: "256x144" },
  ]);
  expect(run.segments).toBeGreaterThan(20);
  expect(run).toMatchObject({ misaligned: 0, gaps: 0, stalls: 0, consoleErrors: [] });
  expect(run.slowestPace).toBeGreaterThan(0.9);
  for (const share of run.meshShares) expect(share).toBeGreaterThan(0);
  expect(run.peer.missing).toBe(0);
  expect(run.peer.segments).toBeGreaterThan(15);
}, 180_000);
