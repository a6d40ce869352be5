import { describe, expect, test } from "@jest/globals";
import { type PeerRole, Random } from "../core/index.ts";
import { Host } from "./host.ts";
import { Tracker } from "./tracker.ts";

function host(index: number, role: PeerRole, room?: number): Host {
  const traits = {
    index,
    id: `${role} ${index}`,
    role,
    isAttacker: false,
    place: { city: 0, accessMs: 8 },
    nat: "public" as const,
    uplinkBps: 1e6,
    linkBps: 1e6,
    fingerprint: new Uint8Array(32),
    joinedAt: 0,
  };
  return new Host(traits, {
    handleInput: () => undefined,
    pollOutput: () => undefined,
    pollTimeout: () => undefined,
    ...(room === undefined ? {} : { room }),
  });
}

function audience(tracker: Tracker, count: number): Host[] {
  const viewers = Array.from({ length: count }, (_, index) => host(index, "viewer"));
  for (const viewer of viewers) tracker.join(viewer);
  return viewers;
}

const OPTIONS = { clusterSize: 20, acrossShare: 0.25 };

describe("Tracker", () => {
  test("names viewers of the asker's cluster and some of the whole mesh, not the asker", () => {
    const tracker = new Tracker(new Random(1), 10, OPTIONS);
    const viewers = audience(tracker, 200);
    const asker = viewers[25];
    if (asker === undefined) throw new Error("nobody asks");
    const named = tracker.introduce(0, asker, 8).map(({ peer }) => peer);
    expect(new Set(named).size).toBe(8);
    expect(named).not.toContain(asker.id);
    const near = viewers.slice(20, 40).map(({ id }) => id);
    expect(named.filter((peer) => near.includes(peer)).length).toBeGreaterThanOrEqual(6);
  });

  test("names a seed as long as it has room, and again once it has told of more", () => {
    const tracker = new Tracker(new Random(1), 10, OPTIONS);
    tracker.join(host(1000, "seed", 2));
    const [asker] = audience(tracker, 5);
    if (asker === undefined) throw new Error("nobody asks");
    const seeds = (now: number) =>
      tracker.introduce(now, asker).filter(({ role }) => role === "seed").length;
    expect([seeds(0), seeds(1), seeds(2), seeds(3000)]).toEqual([1, 1, 0, 1]);
  });

  test("names nobody who has left, and nobody after it forgot all", () => {
    const tracker = new Tracker(new Random(1), 10, OPTIONS);
    const [asker, gone, other] = audience(tracker, 3);
    if (asker === undefined || gone === undefined) throw new Error("nobody asks");
    tracker.leave(gone);
    expect(tracker.introduce(0, asker, 8).map(({ peer }) => peer)).toEqual([other?.id]);
    tracker.clear();
    expect(tracker.introduce(0, asker, 8)).toEqual([]);
  });
});
