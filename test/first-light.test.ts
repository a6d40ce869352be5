import { expect, test } from "@jest/globals";
import { runFirstLight } from "./first-light.ts";

test("what a broadcaster publishes over RTMP comes to a viewer over WebRTC byte for byte", async () => {
  const result = await runFirstLight(10);
  expect(result.probeErrors).toBe("");
  expect(result.segments).toBeGreaterThan(5);
  expect(result).toMatchObject({ identical: result.segments, missing: 0 });
  expect(result.videoPackets).toBeGreaterThan(5 * 30);
  // A newcomer on a slow machine gets its first second over HTTP; the mesh brings what follows.
  expect(result.report.fromHttpBytes).toBeLessThan(result.report.playedBytes / 4);
  expect(result.report.symbolsVerified).toBeGreaterThan(result.segments);
}, 120_000);
