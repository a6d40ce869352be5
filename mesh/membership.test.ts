import { describe, expect, test } from "@jest/globals";
import { type InstantMs, type KnownPeer, type PeerRole, RELAY_BYTES_MAX } from "../core/index.ts";
import { FanOut } from "./fan-out.ts";
import { FeedRates } from "./feed-rates.ts";
import { BARRED_MAX, BARRED_MS, CANDIDATES_MAX, QUIET_MS } from "./limits.ts";
import { Liveness } from "./liveness.ts";
import { Membership } from "./membership.ts";
import type { Output } from "./mesh-io.ts";
import { Subscriptions } from "./subscriptions.ts";
import { peerIdOf } from "./testing/test-origin.ts";
import { at, START, TestState } from "./testing/test-state.ts";
import { Uploads } from "./uploads.ts";

const RATE = 60_000;

/** A peer that can send the stream `copies` times and looks for 4 neighbours, 6 at the most. */
function world({ role = "viewer" as PeerRole, copies = 1, relay = false } = {}) {
  const tuning = { degree: 4, degreeMax: 6 };
  const mesh = new TestState(role, { uploadBytesPerS: copies * RATE, tuning, relay });
  const rates = new FeedRates();
  rates.add(mesh.addBlock(0, "published", { byteLength: RATE }).manifest);
  const uploads = new Uploads(mesh.state);
  const fanOut = new FanOut(mesh.state, uploads, rates);
  const subscriptions = new Subscriptions(mesh.state, [0], {
    liveness: new Liveness(mesh.state),
    copies: () => copies,
  });
  const membership = new Membership(mesh.state, fanOut, subscriptions);
  mesh.state.onGone = (neighbour) => {
    subscriptions.lost(START, neighbour);
    membership.lost(START, neighbour);
  };
  return { mesh, membership, subscriptions, fanOut };
}

/** The outputs of one kind since the last call. */
function taken<Kind extends Output["kind"]>(
  mesh: TestState,
  kind: Kind,
): Extract<Output, { kind: Kind }>[] {
  return mesh.state.outputs
    .splice(0)
    .filter((output): output is Extract<Output, { kind: Kind }> => output.kind === kind);
}

function named(count: number, role: PeerRole = "viewer") {
  return Array.from({ length: count }, (_, index) => ({
    peer: peerIdOf(`${role} ${index}`),
    role,
  }));
}

function known(name: string, changes: Partial<KnownPeer> = {}): KnownPeer {
  return { peer: peerIdOf(name), role: "viewer", capacityKbps: 1000, spare: 0, ...changes };
}

/** Lets all classes have a parent, so that none is sought. */
function feed(mesh: TestState, subscriptions: Subscriptions, now: InstantMs = START): void {
  mesh.join("parent", { lagMs: 100, spare: 20 });
  subscriptions.maintain(now);
}

describe("who is barred", () => {
  test("is not dialled, whoever names it, until the time is over", () => {
    const { mesh, membership, subscriptions } = world();
    feed(mesh, subscriptions);
    const peer = { peer: peerIdOf("polluter"), role: "viewer" } as const;
    membership.introduced([peer]);
    membership.bar(peer.peer, at(BARRED_MS));
    membership.introduced([peer]);
    membership.run(at(BARRED_MS - 1));
    expect(membership.isBarred(at(BARRED_MS - 1), peer.peer)).toBe(true);
    expect(taken(mesh, "dial")).toEqual([]);
    membership.run(at(BARRED_MS));
    membership.introduced([peer]);
    membership.run(at(BARRED_MS + 1));
    expect(membership.isBarred(at(BARRED_MS + 1), peer.peer)).toBe(false);
    expect(taken(mesh, "dial")).toMatchObject([{ peer: peer.peer }]);
  });

  test("is forgotten when too many came after it", () => {
    const { membership } = world();
    for (let count = 0; count <= BARRED_MAX; count++)
      membership.bar(peerIdOf(`peer ${count}`), at(BARRED_MS));
    expect(membership.isBarred(START, peerIdOf("peer 0"))).toBe(false);
    expect(membership.isBarred(START, peerIdOf("peer 1"))).toBe(true);
  });
});

describe("a viewer among neighbours that do nothing", () => {
  test("that got nothing from its neighbours dials others beside them, and asks for more each second", () => {
    const { mesh, membership, subscriptions } = world();
    feed(mesh, subscriptions);
    for (const name of ["a", "b", "c"]) mesh.join(name);
    membership.introduced(named(1));
    membership.run(at(1499));
    expect(taken(mesh, "dial")).toEqual([]);
    membership.run(at(1500));
    expect(mesh.state.outputs.map(({ kind }) => kind)).toEqual(["dial", "wantPeers"]);
    mesh.state.outputs.splice(0);
    membership.run(at(2499));
    expect(taken(mesh, "wantPeers")).toEqual([]);
    membership.run(at(2500));
    expect(taken(mesh, "wantPeers").length).toBe(1);
    for (const neighbour of mesh.state.ready) neighbour.score.delivered(at(2500));
    mesh.hear(at(60_000));
    membership.run(at(60_000));
    expect(taken(mesh, "wantPeers")).toEqual([]);
  });

  test("lets one go after a second that dialled, gives nothing and takes nothing", () => {
    const { mesh, membership } = world();
    for (const name of ["a", "b", "c", "d", "e"]) mesh.join(name);
    const idle = mesh.join("idle", {}, START, false);
    expect(membership.makeRoom(at(999))).toBe(false);
    idle.granted.set(0, 1);
    expect(membership.makeRoom(at(1000))).toBe(false);
    idle.granted.set(0, 0);
    expect(membership.makeRoom(at(1000))).toBe(true);
    expect(taken(mesh, "disconnect").map(({ neighbour }) => neighbour)).toEqual([idle.id]);
  });
});

describe("a viewer", () => {
  test("dials as many as it lacks, seeds first", () => {
    const { mesh, membership, subscriptions } = world();
    feed(mesh, subscriptions);
    membership.introduced([...named(5), ...named(1, "seed")]);
    membership.run(at(0));
    const dials = taken(mesh, "dial");
    expect(dials.length).toBe(3);
    expect(dials[0]).toEqual({ kind: "dial", peer: peerIdOf("seed 0"), via: undefined });
    membership.run(at(100));
    expect(taken(mesh, "dial")).toEqual([]);
  });

  test("dials whom neighbours name through them, those with classes to spare first", () => {
    const { mesh, membership, subscriptions } = world();
    feed(mesh, subscriptions);
    mesh.join("bob");
    const alice = mesh.join("alice");
    membership.exchanged(alice, [known("x"), known("y", { spare: 3 }), known("z")]);
    membership.run(at(0));
    expect(taken(mesh, "dial")).toEqual([{ kind: "dial", peer: peerIdOf("y"), via: alice.id }]);
  });

  test("asks the tracker when it knows nobody, every second at first, then every five", () => {
    const { mesh, membership } = world();
    membership.run(at(0));
    expect(taken(mesh, "wantPeers").length).toBe(1);
    membership.run(at(999));
    expect(taken(mesh, "wantPeers")).toEqual([]);
    membership.run(at(1000));
    expect(taken(mesh, "wantPeers").length).toBe(1);
    for (const name of ["a", "b"]) mesh.join(name).score.delivered(at(1000));
    membership.run(at(5999));
    expect(taken(mesh, "wantPeers")).toEqual([]);
    membership.run(at(6000));
    expect(taken(mesh, "wantPeers").length).toBe(1);
  });

  test("dials another beside those that take more than a second", () => {
    const { mesh, membership, subscriptions } = world();
    feed(mesh, subscriptions);
    membership.introduced(named(4));
    membership.run(at(0));
    expect(taken(mesh, "dial").length).toBe(3);
    membership.run(at(999));
    expect(taken(mesh, "dial")).toEqual([]);
    membership.run(at(1000));
    expect(taken(mesh, "dial").length).toBe(1);
  });

  test("remembers a bounded number of peers", () => {
    const { mesh, membership } = world();
    membership.introduced(named(3 * CANDIDATES_MAX));
    const dialled = new Set<string>();
    for (let ms = 0; ms < 1_000_000; ms += 20_001) {
      membership.run(at(ms));
      for (const { peer } of taken(mesh, "dial")) dialled.add(peer);
    }
    expect(dialled.size).toBe(CANDIDATES_MAX);
  });
});

describe("who is gone", () => {
  test("is left alone, as is who could not be dialled, for thirty seconds", () => {
    const { mesh, membership } = world();
    const lost = mesh.join("viewer 1");
    mesh.state.remove(lost.id);
    membership.introduced(named(1));
    membership.run(at(0));
    expect(taken(mesh, "dial").length).toBe(1);
    membership.undialable(at(100), peerIdOf("viewer 0"));
    membership.introduced(named(2));
    membership.run(at(200));
    expect(taken(mesh, "dial")).toEqual([]);
    membership.run(at(30_101));
    membership.introduced(named(2));
    membership.run(at(30_102));
    expect(taken(mesh, "dial").length).toBe(2);
  });

  test("is taken back after two seconds if it is a seed that fell silent, and not for a while if it let this peer go", () => {
    for (const [heardMs, redials] of [
      [0, 1],
      [5900, 0],
    ] as const) {
      const { mesh, membership } = world();
      mesh.join("viewer 0");
      const seed = mesh.join("seed 0", { role: "seed" });
      seed.heardAt = at(heardMs);
      mesh.state.remove(seed.id);
      membership.lost(at(6000), seed);
      membership.run(at(8001));
      membership.introduced(named(1, "seed"));
      membership.run(at(8002));
      expect(taken(mesh, "dial").length).toBe(redials);
    }
  });
});

describe("a viewer with enough neighbours", () => {
  test("lets the one of least use go for another, but no newcomer and no seed", () => {
    const { mesh, membership } = world();
    const seed = mesh.join("seed", { role: "seed" });
    const useful = ["a", "b", "c"].map((name) => mesh.join(name));
    for (const neighbour of useful) neighbour.score.delivered(at(10_000));
    const idle = mesh.join("idle");
    const fresh = mesh.join("fresh", {}, at(9000));
    mesh.hear(at(10_000));
    expect(membership.makeRoom(at(10_000))).toBe(true);
    expect(taken(mesh, "disconnect").map(({ neighbour }) => neighbour)).toEqual([idle.id]);
    expect([...mesh.state.neighbours.keys()]).toContain(seed.id);
    expect([...mesh.state.neighbours.keys()]).toContain(fresh.id);
  });

  test("does not count one that may have vanished, and lets it go first", () => {
    const { mesh, membership, subscriptions } = world();
    feed(mesh, subscriptions);
    const gone = mesh.join("gone");
    for (const name of ["a", "b"]) mesh.join(name);
    for (const neighbour of mesh.state.ready) neighbour.score.delivered(at(10_000));
    gone.score.delivered(at(10_000));
    membership.introduced(named(1));
    mesh.hear(at(10_000));
    membership.run(at(10_000));
    expect(taken(mesh, "dial")).toEqual([]);
    gone.heardAt = at(10_000 - QUIET_MS - 1);
    membership.run(at(10_000));
    expect(taken(mesh, "dial").length).toBe(1);
    for (const name of ["c", "d"]) mesh.join(name, {}, at(10_000));
    expect(membership.makeRoom(at(10_000))).toBe(true);
    expect(taken(mesh, "disconnect").map(({ neighbour }) => neighbour)).toEqual([gone.id]);
  });

  test("has no room while all are newcomers", () => {
    const { mesh, membership } = world();
    for (let count = 0; count < 6; count++) mesh.join(`peer ${count}`);
    expect(membership.makeRoom(at(9999))).toBe(false);
    expect(mesh.state.neighbours.size).toBe(6);
  });

  test("that feeds many climbs: it dials a seed that a neighbour knows", () => {
    for (const [copies, expected] of [
      [2, 1],
      [1, 0],
    ] as const) {
      const { mesh, membership, subscriptions } = world({ copies });
      feed(mesh, subscriptions);
      for (let count = 0; count < 4; count++) mesh.join(`peer ${count}`);
      const alice = mesh.join("alice");
      membership.exchanged(alice, [known("seed", { role: "seed" }), known("x", { spare: 9 })]);
      membership.run(at(0));
      expect(taken(mesh, "dial").map(({ peer }) => peer)).toEqual(
        new Array(expected).fill(peerIdOf("seed")),
      );
    }
  });

  test("that lacks a parent dials one with classes to spare beyond its degree", () => {
    const { mesh, membership } = world();
    for (let count = 0; count < 4; count++) mesh.join(`peer ${count}`);
    const alice = mesh.join("alice");
    membership.exchanged(alice, [known("x"), known("y", { spare: 2 })]);
    membership.run(at(0));
    expect(taken(mesh, "dial").map(({ peer }) => peer)).toEqual([peerIdOf("y")]);
  });
});

describe("a seed", () => {
  test("dials nobody, takes newcomers in, and lets those of least capacity go", () => {
    const { mesh, membership } = world({ role: "seed", copies: 0.5 });
    membership.introduced(named(3));
    for (let rank = 0; rank < 9; rank++) mesh.join(`peer ${rank}`, { capacityKbps: rank * 50 });
    expect(membership.makeRoom(at(0))).toBe(true);
    membership.run(at(999));
    expect(mesh.state.neighbours.size).toBe(9);
    membership.run(at(1000));
    const gone = taken(mesh, "disconnect").map(({ neighbour }) => neighbour);
    expect(gone).toEqual([0, 1, 2].map((rank) => peerIdOf(`peer ${rank}`)));
    expect(taken(mesh, "dial")).toEqual([]);
  });
});

describe("neighbours of a seed that claim more than a newcomer is believed", () => {
  test("push out none of those who came before them", () => {
    const { mesh, membership } = world({ role: "seed", copies: 0.5 });
    for (let rank = 0; rank < 9; rank++) {
      mesh.join(`peer ${rank}`, { capacityKbps: 1000 * (rank + 1) });
    }
    membership.run(at(1000));
    const gone = taken(mesh, "disconnect").map(({ neighbour }) => neighbour);
    expect(gone).toEqual([8, 7, 6].map((rank) => peerIdOf(`peer ${rank}`)));
  });
});

describe("neighbours are told of each other", () => {
  test("every five seconds, of four at the most, seeds among them, and never of themselves", () => {
    const { mesh, membership } = world();
    const seed = mesh.join("seed", { role: "seed" });
    for (let count = 0; count < 6; count++) mesh.join(`peer ${count}`, { spare: count % 2 });
    membership.run(at(0));
    const told = mesh.sent("peers");
    expect(told.length).toBe(6);
    for (const { to, message } of told) {
      const ids = message.peers.map(({ peer }) => peer);
      expect(ids.length).toBe(4);
      expect(ids[0]).toBe(seed.id);
      expect(ids).not.toContain(to);
    }
    membership.run(at(4999));
    expect(mesh.sent("peers")).toEqual([]);
    membership.run(at(5000));
    expect(mesh.sent("peers").length).toBe(6);
  });

  test("but not of seeds by a relay", () => {
    const { mesh, membership } = world({ relay: true });
    mesh.join("seed", { role: "seed" });
    const viewers = [mesh.join("alice"), mesh.join("bob")];
    membership.run(at(0));
    const told = mesh.sent("peers").map(({ message }) => message.peers.map(({ peer }) => peer));
    expect(told.flat().sort()).toEqual(viewers.map(({ id }) => id).sort());
  });
});

describe("signalling is carried", () => {
  const payload = Uint8Array.of(1, 2, 3);

  test("from a neighbour to a neighbour, in its own name only", () => {
    const { mesh, membership } = world();
    const [alice, bob] = [mesh.join("alice"), mesh.join("bob")];
    mesh.state.outputs.length = 0;
    const message = { type: "relay", from: alice.id, to: bob.id, payload } as const;
    membership.relay(alice, message);
    expect(mesh.sent("relay")).toEqual([{ to: bob.id, message }]);
    membership.relay(bob, message);
    membership.relay(alice, { ...message, to: peerIdOf("stranger") });
    expect(mesh.state.outputs).toEqual([]);
  });

  test("to the driver when it is for this peer, and from it through a neighbour", () => {
    const { mesh, membership } = world();
    const alice = mesh.join("alice");
    mesh.state.outputs.length = 0;
    const [own, far] = [peerIdOf("own"), peerIdOf("far")];
    membership.relay(alice, { type: "relay", from: far, to: own, payload });
    expect(taken(mesh, "signal")).toEqual([{ kind: "signal", peer: far, via: alice.id, payload }]);
    membership.signal(far, alice.id, payload);
    membership.signal(far, peerIdOf("stranger"), payload);
    membership.signal(far, alice.id, new Uint8Array(RELAY_BYTES_MAX + 1));
    expect(mesh.sent("relay")).toEqual([
      { to: alice.id, message: { type: "relay", from: own, to: far, payload } },
    ]);
  });
});
