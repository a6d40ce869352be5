import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { fuzzLive } from "./live-fuzz-run.ts";
import { OriginProcess } from "./origin-process.ts";

let folder: string;
let origin: OriginProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  origin = new OriginProcess(join(folder, "data"), ["--no-demo"]);
  await origin.start();
}, 90_000);
afterAll(async () => {
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test("an origin refuses what it does not take, over HTTP and at the tracker, and no role dies of it", async () => {
  const { statuses, closes } = await fuzzLive(origin, { seed: 7, seconds: 3, hasChannels: false });
  // It got through to where things are made, and to where they are refused.
  expect(Object.keys(statuses)).toEqual(
    expect.arrayContaining(["200", "400", "401", "404", "405"]),
  );
  expect(closes["1008"]).toBeGreaterThan(0);
}, 60_000);
