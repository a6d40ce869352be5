import { expect, test } from "@jest/globals";
import { runMesh } from "./mesh-run.ts";

test("a mesh of eight plays every segment, mostly from each other, and outlives a crash of two", async () => {
  const run = await runMesh({
    viewers: new Array(8).fill({ address: "127.0.0.1", enter: [], uploadBytesPerS: 225_000 }),
    ...{ originAddress: "127.0.0.1", processes: 4, seconds: 10, afterCrashS: 5 },
    ...{ streamKbps: 600, originUplink: 3, deadlineMs: 6000 },
  });
  expect(run.segments).toBeGreaterThanOrEqual(8);
  expect(run).toMatchObject({ missing: 0, different: 0, missingAfterCrash: 0 });
  expect(run.segmentsAfterCrash).toBeGreaterThanOrEqual(3);
  expect(run.offload).toBeGreaterThan(0.5);
}, 240_000);
