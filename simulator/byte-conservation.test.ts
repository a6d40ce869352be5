import { describe, expect, test } from "@jest/globals";
import { Audience } from "./audience.ts";
import { Origin } from "./origin.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { simple } from "./testing/simple-peer.ts";
import { START_MS, World } from "./world.ts";

describe("ByteConservation", () => {
  test("a byte that appears from nowhere ends the run", () => {
    const world = new World({ ...DEFAULT_SETTINGS, peers: 10, joinOverS: 1 }, 1, simple);
    new Origin(world);
    new Audience(world);
    world.run(START_MS + 5000);
    world.checkers.tick(world.hosts);
    expect(world.network.totals.received).toBeGreaterThan(0);
    world.network.totals.received++;
    expect(() => world.checkers.tick(world.hosts)).toThrow("the bytes sent are the bytes received");
  });
});
