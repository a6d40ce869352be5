import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { INIT_PART } from "../core/index.ts";
import { LOG_START, ManifestLog, ScratchRedis, Timeline } from "./index.ts";
import { sampleSegment } from "./sample-segment.ts";

let scratch: ScratchRedis;
let redis: Redis;
let timeline: Timeline;

beforeAll(async () => {
  scratch = await ScratchRedis.start();
  redis = scratch.redis;
  timeline = new Timeline(redis);
});
afterAll(() => scratch.stop());
beforeEach(async () => {
  await redis.flushall();
});

async function registerSession(session: string, count: number): Promise<void> {
  await timeline.register(sampleSegment(session, "init"));
  for (let index = 0; index < count; index++)
    await timeline.register(sampleSegment(session, index));
}

describe("ManifestLog", () => {
  const block = { rendition: 0, sequence: 1, part: 0 };

  test("publishes one manifest per block, whoever comes first", async () => {
    const log = new ManifestLog(redis);
    const wins = await Promise.all(["x", "y", "z"].map((jws) => log.publish("demo", block, jws)));
    expect(wins.filter(Boolean).length).toBe(1);
    expect((await log.recent("demo", 10)).length).toBe(1);
    expect(await log.get("demo", block)).toBe("x");
    expect(await log.get("demo", { ...block, part: INIT_PART })).toBeUndefined();
  });

  test("forgets a trimmed block's manifest and takes no new one for it", async () => {
    const log = new ManifestLog(redis);
    await registerSession("a", 3);
    await log.publish("demo", block, "x");
    await timeline.trim("demo", 1);
    expect(await log.get("demo", block)).toBeUndefined();
    expect(await log.recent("demo", 10)).toEqual([]);
    expect(await log.publish("demo", block, "late")).toBe(false);
    expect(await log.publish("demo", { ...block, sequence: 2 }, "kept")).toBe(true);
    expect(await log.publish("demo", { ...block, sequence: 0, part: INIT_PART }, "kept")).toBe(
      true,
    );
    await timeline.trim("demo", 0);
    expect(await log.publish("demo", { ...block, sequence: 0, part: INIT_PART }, "late")).toBe(
      false,
    );
  });

  test("is followed from a cursor, without a loss, until the signal aborts", async () => {
    const log = new ManifestLog(redis);
    const follower = new AbortController();
    const seen: number[] = [];
    await log.publish("demo", { ...block, sequence: 0 }, "0");
    const following = (async () => {
      for await (const entry of log.follow("demo", LOG_START, follower.signal)) {
        seen.push(entry.block.sequence);
        if (seen.length === 20) follower.abort();
      }
    })();
    for (let sequence = 1; sequence < 20; sequence++) {
      await log.publish("demo", { ...block, sequence }, String(sequence));
    }
    await following;
    expect(seen).toEqual(Array.from({ length: 20 }, (_, sequence) => sequence));
  });
});
