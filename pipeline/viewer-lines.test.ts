import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ScratchRedis, ViewerLines } from "./index.ts";

let scratch: ScratchRedis;
beforeAll(async () => {
  scratch = await ScratchRedis.start();
});
afterAll(() => scratch.stop());

describe("the lines of viewers", () => {
  test("are counted by what each of them told last, of the last whole half minute", async () => {
    let nowMs = 600_000;
    const lines = new ViewerLines(scratch.redis, () => nowMs);
    for (const [peer, kbps] of [
      ["a", 900],
      ["b", 3000],
      ["c", 8000],
      ["a", 2000],
    ] as const) {
      await lines.note("main", peer, kbps);
    }
    await lines.note("other", "d", 100);
    expect(await lines.survey("main", 3000)).toEqual({ viewers: 0, slower: 0 });
    nowMs += 30_000;
    expect(await lines.survey("main", 3000)).toEqual({ viewers: 3, slower: 1 });
    await lines.note("main", "b", 3000);
    nowMs += 30_000;
    expect(await lines.survey("main", 3001)).toEqual({ viewers: 1, slower: 1 });
  });

  test("do not stay in Redis", async () => {
    await new ViewerLines(scratch.redis).note("brief", "a", 1000);
    const [key = ""] = await scratch.redis.keys("starling:stream:brief:viewer-lines:*");
    expect(await scratch.redis.pttl(key)).toBeGreaterThan(60_000);
  });
});
