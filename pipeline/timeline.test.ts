import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { blockKey, INIT_PART, splitSegment } from "../core/index.ts";
import { ManifestLog, ScratchRedis, Timeline } from "./index.ts";
import { SAMPLE_SHA256, sampleSegment } from "./sample-segment.ts";

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

async function sequences(count: number): Promise<number[]> {
  return (await timeline.window("demo", 0, count)).map(({ block }) => block.sequence);
}

describe("Timeline.register", () => {
  test("numbers segments in order and gives the init segment the number of the first", async () => {
    const [init] = await timeline.register(sampleSegment("a", "init"));
    const [first] = await timeline.register(sampleSegment("a", 0));
    const [second] = await timeline.register(sampleSegment("a", 1));
    expect(init.block).toEqual({ rendition: 0, sequence: 0, part: INIT_PART });
    expect(first.block).toEqual({ rendition: 0, sequence: 0, part: 0 });
    expect(second.block.sequence).toBe(1);
    expect(second.init).toEqual({ sequence: 0, sha256: SAMPLE_SHA256 });
    expect(second.programDateTimeMs).toBe(1_795_000_000_000.125);
    expect(await timeline.get("demo", second.block)).toEqual(second);
    expect(await timeline.get("demo", init.block)).toEqual(init);
  });

  test("gives the same segment the same record, however often it is registered", async () => {
    await timeline.register(sampleSegment("a", "init"));
    const records = await Promise.all(
      Array.from({ length: 8 }, () => timeline.register(sampleSegment("a", 0))),
    );
    expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(1);
    expect(await sequences(10)).toEqual([0]);
  });

  test("goes on counting over publish sessions and bumps the discontinuity", async () => {
    await registerSession("a", 2);
    await registerSession("b", 2);
    const window = await timeline.window("demo", 0, 10);
    expect(window.map(({ block, discontinuity }) => [block.sequence, discontinuity])).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 1],
    ]);
    expect(window[3]?.init?.sequence).toBe(2);
  });

  test("leaves the number of a session without media unused, and lists no window over the hole", async () => {
    await registerSession("a", 2);
    const [unused] = await timeline.register(sampleSegment("b", "init"));
    await registerSession("c", 2);
    expect(unused.block.sequence).toBe(2);
    const window = await timeline.window("demo", 0, 10);
    expect(window.map(({ block }) => block.sequence)).toEqual([3, 4]);
    expect(window[0]?.discontinuity).toBe(1);
  });
});

describe("A segment in several renditions", () => {
  const inRenditions = (session: string, index: number | "init", count: number) => {
    const [first, ...others] = Array.from({ length: count }, (_, rendition) => ({
      ...sampleSegment(session, index),
      rendition,
      path: `demo/${session}/${index}-${rendition}.m4s`,
    }));
    if (first === undefined) throw new Error("at least one");
    return timeline.register(first, ...others);
  };
  const keys = (records: readonly { block: Parameters<typeof blockKey>[0] }[]) =>
    records.map(({ block }) => blockKey(block));

  test("has one number, and a block in each", async () => {
    expect(keys(await inRenditions("a", "init", 3))).toEqual(["0:0:init", "1:0:init", "2:0:init"]);
    const records = await inRenditions("a", 0, 3);
    expect(keys(records)).toEqual(["0:0:0", "1:0:0", "2:0:0"]);
    expect(await inRenditions("a", 0, 3)).toEqual(records);
    expect(await timeline.renditions("demo")).toBe(3);
    expect(keys(await timeline.unsigned("demo"))).toHaveLength(6);
    expect((await timeline.window("demo", 2, 5))[0]?.path).toBe("demo/a/0-2.m4s");
  });

  test("needs the init segment of each", async () => {
    await inRenditions("a", "init", 2);
    await expect(inRenditions("a", 0, 3)).rejects.toMatchObject({ code: "init-missing" });
    expect(keys(await inRenditions("a", 0, 2))).toEqual(["0:0:0", "1:0:0"]);
  });

  test("is there in the next better one where a publish session has no such rendition", async () => {
    for (const [session, count] of [
      ["a", 3],
      ["b", 1],
      ["c", 2],
    ] as const) {
      await inRenditions(session, "init", count);
      await inRenditions(session, 0, count);
    }
    expect(keys(await timeline.window("demo", 2, 5))).toEqual(["2:0:0", "0:1:0", "1:2:0"]);
    expect(keys(await timeline.window("demo", 0, 5))).toEqual(["0:0:0", "0:1:0", "0:2:0"]);
  });

  test("goes in all of them when it is trimmed", async () => {
    await inRenditions("a", "init", 3);
    await inRenditions("a", 0, 3);
    await inRenditions("b", "init", 2);
    await inRenditions("b", 0, 2);
    const removed = await timeline.trim("demo", 1);
    expect(new Set(keys(removed))).toEqual(
      new Set(["0:0:0", "1:0:0", "2:0:0", "0:0:init", "1:0:init", "2:0:init"]),
    );
    expect(await timeline.trim("demo", 0)).toHaveLength(4);
  });

  test("is refused when one of them is missing or is of another segment", async () => {
    const first = sampleSegment("a", "init");
    for (const other of [
      { ...first, rendition: 2 },
      { ...first, rendition: 1, session: "b" },
    ]) {
      const registered = timeline.register(first, other);
      await expect(registered).rejects.toMatchObject({ code: "segment-invalid" });
    }
  });
});

describe("Timeline.trim", () => {
  test("never goes back and never gives a number twice after a trim", async () => {
    await registerSession("a", 5);
    const removed = await timeline.trim("demo", 2);
    expect(removed.map(({ block }) => block.sequence)).toEqual([0, 1, 2]);
    expect(await sequences(10)).toEqual([3, 4]);
    await expect(timeline.register(sampleSegment("a", 1))).rejects.toMatchObject({
      code: "segment-out-of-order",
    });
    expect((await timeline.trim("demo", 0)).length).toBe(3);
    expect(await sequences(10)).toEqual([]);
    await registerSession("b", 1);
    expect(await sequences(10)).toEqual([5]);
  });

  test("removes an init segment when no segment that is left needs it", async () => {
    await registerSession("a", 3);
    await registerSession("b", 3);
    expect((await timeline.trim("demo", 4)).map(({ path }) => path)).toEqual([
      "demo/a/000000000.m4s",
      "demo/a/000000001.m4s",
    ]);
    expect((await timeline.trim("demo", 3)).map(({ path }) => path)).toEqual([
      "demo/a/000000002.m4s",
      "demo/a/init.mp4",
    ]);
    expect((await timeline.trim("demo", 1)).map(({ path }) => path)).toEqual([
      "demo/b/000000000.m4s",
      "demo/b/000000001.m4s",
    ]);
  });
});

describe("Timeline", () => {
  test("refuses media without an init segment and segments of a session that is over", async () => {
    await expect(timeline.register(sampleSegment("a", 0))).rejects.toMatchObject({
      code: "init-missing",
    });
    await registerSession("a", 1);
    await registerSession("b", 1);
    await expect(timeline.register(sampleSegment("a", 1))).rejects.toMatchObject({
      code: "session-over",
    });
    await timeline.trim("demo", 0);
    await expect(timeline.register(sampleSegment("a", "init"))).rejects.toMatchObject({
      code: "session-over",
    });
  });

  test.each([
    ["a path that climbs", { path: "demo/../../etc/passwd" }],
    ["an absolute path", { path: "/demo/a/0.m4s" }],
    ["a wrong stream id", { stream: "Demo!" }],
    ["no bytes", { byteLength: 0 }],
    ["a negative duration", { durationMs: -1 }],
  ])("refuses %s", async (_, fault) => {
    await timeline.register(sampleSegment("a", "init"));
    await expect(timeline.register({ ...sampleSegment("a", 0), ...fault })).rejects.toMatchObject({
      code: "segment-invalid",
    });
  });

  test("knows which blocks have no manifest", async () => {
    await registerSession("a", 3);
    const log = new ManifestLog(redis);
    await log.publish("demo", { rendition: 0, sequence: 1, part: 0 }, "x");
    const open = await timeline.unsigned("demo");
    expect(open.map(({ block }) => [block.sequence, block.part])).toEqual([
      [0, INIT_PART],
      [0, 0],
      [2, 0],
    ]);
  });
});

describe("a segment that is too large for one block", () => {
  const byteLength = 16_000_001;

  test("is registered as its parts, and listed whole", async () => {
    await timeline.register(sampleSegment("a", "init"));
    await timeline.register(sampleSegment("a", 0));
    const large = { ...sampleSegment("a", 1), byteLength };
    const parts = await timeline.register(large);
    expect(parts.map(({ block }) => blockKey(block))).toEqual(["0:1:0", "0:1:1"]);
    expect(parts.map((part) => part.byteLength)).toEqual(splitSegment(byteLength));
    expect(parts.map(({ offset, last }) => [offset, last])).toEqual([
      [0, false],
      [8_000_001, true],
    ]);
    const [first, second] = parts;
    expect(second?.programDateTimeMs).toBeCloseTo(first.programDateTimeMs + first.durationMs, 2);
    expect(await timeline.register(large)).toEqual(parts);
    expect(await timeline.get("demo", { rendition: 0, sequence: 1, part: 1 })).toEqual(second);

    const [small, whole] = await timeline.window("demo", 0, 2);
    expect(small?.block.sequence).toBe(0);
    expect(whole).toMatchObject({ ...first, byteLength, last: true, durationMs: 1000.5 });
  });

  test("is unsigned until each part has a manifest, and trimmed with all of them", async () => {
    await timeline.register(sampleSegment("a", "init"));
    const parts = await timeline.register({ ...sampleSegment("a", 0), byteLength });
    const log = new ManifestLog(redis);
    const unsigned = async () =>
      (await timeline.unsigned("demo")).map(({ block }) => blockKey(block));
    expect(await unsigned()).toEqual(["0:0:init", "0:0:0", "0:0:1"]);
    await log.publish("demo", parts[0].block, "x");
    expect(await unsigned()).toEqual(["0:0:init", "0:0:1"]);
    const removed = await timeline.trim("demo", 0);
    expect(removed.map(({ block }) => blockKey(block))).toEqual(["0:0:0", "0:0:1", "0:0:init"]);
    expect(await log.get("demo", parts[0].block)).toBeUndefined();
    expect(await unsigned()).toEqual([]);
  });
});
