import { describe, expect, test } from "@jest/globals";
import { AttackMonitor } from "./attack-monitor.ts";
import { Host } from "./host.ts";
import { Links } from "./links.ts";

/** A host whose peer thinks `standing` of all its neighbours. */
function host(index: number, isAttacker: boolean, standing: number): Host {
  const traits = {
    index,
    id: `peer ${index}`,
    role: "viewer" as const,
    isAttacker,
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
    standing: () => standing,
  });
}

function world(attackerStanding: number): { hosts: Host[]; links: Links; monitor: AttackMonitor } {
  const hosts = [host(0, true, 1), host(1, false, attackerStanding), host(2, false, 1)];
  return { hosts, links: new Links(), monitor: new AttackMonitor() };
}

function connect({ hosts, links }: ReturnType<typeof world>, a: number, b: number): void {
  const [from, to] = [hosts[a], hosts[b]];
  if (from === undefined || to === undefined) throw new Error("no such host");
  const direction = links.connect(a, b, 10);
  from.links.set(to.id, direction);
  to.links.set(from.id, direction ^ 1);
}

describe("AttackMonitor", () => {
  test("an attacker that half of its honest neighbours distrust is caught, others are not", () => {
    const under = world(-1.1);
    connect(under, 0, 1);
    connect(under, 0, 2);
    under.monitor.tick(5000, under.hosts, under.links);
    expect(under.monitor.result(5000, 1)).toMatchObject({ caught: 1, caughtWithin30S: 1 });
    expect(under.monitor.result(5000, 1).falselyCaught).toBe(0);
  });

  test.each([1, -0.9])("an attacker that all have at a score of %d is not caught", (standing) => {
    const under = world(standing);
    connect(under, 0, 1);
    connect(under, 0, 2);
    under.monitor.tick(5000, under.hosts, under.links);
    expect(under.monitor.result(5000, 1).caught).toBe(0);
  });

  test("who is caught later than 30 s after its first neighbour is not caught in time", () => {
    const under = world(1);
    connect(under, 0, 1);
    under.monitor.tick(1000, under.hosts, under.links);
    under.hosts[1]?.links.clear();
    under.monitor.tick(40_000, under.hosts, under.links);
    expect(under.monitor.result(40_000, 1)).toMatchObject({ caught: 1, caughtWithin30S: 0 });
  });

  test("those who cut it off for bad data count as distrusting", () => {
    const under = world(1);
    connect(under, 0, 1);
    const [attacker, , victim] = under.hosts;
    if (attacker === undefined || victim === undefined) throw new Error("no such host");
    const bye = { type: "bye", code: "bad-data", reason: "" } as const;
    under.monitor.sent(1000, victim, attacker, bye, 90);
    under.monitor.tick(2000, under.hosts, under.links);
    expect(under.monitor.result(2000, 1).caught).toBe(1);
  });

  test("a viewer is eclipsed as long as attackers only are its neighbours", () => {
    const under = world(1);
    connect(under, 0, 1);
    under.monitor.tick(1000, under.hosts, under.links);
    under.monitor.tick(4000, under.hosts, under.links);
    connect(under, 1, 2);
    under.monitor.tick(5000, under.hosts, under.links);
    expect(under.monitor.result(9000, 1).eclipsedMaxS).toBe(4);
  });
});
