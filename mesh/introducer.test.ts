import { describe, expect, test } from "@jest/globals";
import { Introducer } from "./introducer.ts";

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);
const LIMITS = { seedsMax: 2, viewersMax: 8 };

describe("Introducer", () => {
  test("names the seeds with the most room, and none that is full", () => {
    const seeds = [
      { peer: "full", room: 0 },
      { peer: "some", room: 1 },
      { peer: "most", room: 9 },
      { peer: "more", room: 2 },
    ];
    const named = new Introducer().choose("me", LIMITS, { seeds, cluster: [], mesh: [] });
    expect(named).toEqual([
      { peer: "most", role: "seed" },
      { peer: "more", role: "seed" },
    ]);
  });

  test("names relays where seeds are wanting, before other viewers, and nobody twice", () => {
    const candidates = { relays: ["me", "r1", "r2", "r3"], cluster: ["r2"], mesh: ["r1", "v1"] };
    const named = (seeds: { peer: string; room: number }[]) =>
      new Introducer().choose("me", LIMITS, { ...candidates, seeds }).map(({ peer }) => peer);
    expect(named([])).toEqual(["r1", "r2", "v1"]);
    expect(named([{ peer: "seed", room: 1 }])).toEqual(["seed", "r1", "r2", "v1"]);
    const seeds = names("seed", 2).map((peer) => ({ peer, room: 1 }));
    expect(named(seeds).slice(0, 3)).toEqual(["seed0", "seed1", "r2"]);
  });

  test("mixes the asker's own cluster with the whole mesh, never the asker, nobody twice", () => {
    const introducer = new Introducer({ acrossShare: 0.25 });
    const cluster = ["me", ...names("near", 9)];
    const mesh = ["near0", "me", ...names("far", 9)];
    const named = introducer.choose("me", LIMITS, { seeds: [], cluster, mesh });
    expect(named.map(({ peer }) => peer)).toEqual([...names("near", 6), "far0", "far1"]);
  });

  test("makes up for what one of both lacks", () => {
    const introducer = new Introducer();
    const named = (cluster: string[], mesh: string[]) =>
      introducer.choose("me", LIMITS, { seeds: [], cluster, mesh }).length;
    expect(named(["me"], names("far", 9))).toBe(8);
    expect(named(names("near", 9), ["near0"])).toBe(8);
  });

  test("gives clusters by the order of joining", () => {
    const introducer = new Introducer({ clusterSize: 50 });
    expect([0, 49, 50, 149].map((number) => introducer.clusterOf(number))).toEqual([0, 0, 1, 2]);
  });
});
