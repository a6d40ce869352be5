import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { SeedSet } from "./seed-set.ts";

function world(streamsMax = 8) {
  const running = new Set<string>();
  const seeds = new SeedSet({
    streamsMax,
    leaveAfterMs: 1000,
    log: pino({ level: "silent" }),
    start: (stream) => {
      running.add(stream);
      return {
        stats: { peers: 2, blocksPublished: 3, bytesSent: 100 },
        close: async () => {
          running.delete(stream);
        },
      };
    },
  });
  return { running, seeds };
}

describe("SeedSet", () => {
  test("joins live streams and leaves them some time after they are over", async () => {
    const { running, seeds } = world();
    await seeds.update(new Set(["a", "b"]), 0);
    await seeds.update(new Set(["b"]), 1000);
    expect([...running]).toEqual(["a", "b"]);
    await seeds.update(new Set(["b"]), 1001);
    expect([...running]).toEqual(["b"]);
  });

  test("stays when a publisher comes back in time", async () => {
    const { running, seeds } = world();
    for (const [nowMs, live] of [
      [0, ["a"]],
      [900, []],
      [1000, ["a"]],
      [1900, []],
    ] as const) {
      await seeds.update(new Set(live), nowMs);
    }
    expect([...running]).toEqual(["a"]);
  });

  test("takes no more streams than fit", async () => {
    const { running, seeds } = world(2);
    await seeds.update(new Set(["a", "b", "c"]), 0);
    expect([...running]).toEqual(["a", "b"]);
  });

  test("sums what its seeds did, those that left too", async () => {
    const { seeds } = world();
    await seeds.update(new Set(["a", "b"]), 0);
    await seeds.update(new Set(["b"]), 2000);
    expect(seeds.stats).toEqual({ streams: 1, peers: 2, blocksPublished: 6, bytesSent: 200 });
  });
});
