import { describe, expect, test } from "@jest/globals";
import { type ClassSet, MANIFEST_CLASS, type PeerRole, SYMBOL_CLASSES } from "../core/index.ts";
import { sizeOf } from "./class-set.ts";
import { FanOut } from "./fan-out.ts";
import { FeedRates } from "./feed-rates.ts";
import { PROBE_EVERY_MS, QUIET_MS } from "./limits.ts";
import type { Neighbour } from "./neighbour.ts";
import { at, claim, START, TestState } from "./testing/test-state.ts";
import { Uploads } from "./uploads.ts";

const ALL_SYMBOLS: ClassSet = 2 ** SYMBOL_CLASSES - 1;
const MANIFESTS: ClassSet = 1 << MANIFEST_CLASS;
/** Bytes a second of the test stream: a block of this size each second. */
const RATE = 60_000;

/** A peer that can send the stream `copies` times. */
function world(copies: number, role: PeerRole = "viewer") {
  const mesh = new TestState(role, { uploadBytesPerS: copies * RATE });
  const uploads = new Uploads(mesh.state);
  const rates = new FeedRates();
  const fanOut = new FanOut(mesh.state, uploads, rates);
  const block = mesh.addBlock(0, "published", { byteLength: RATE });
  rates.add(block.manifest);
  const subscribe = (
    neighbour: Neighbour,
    classes: ClassSet,
    { ms = 1000, isSupplied = () => true }: { ms?: number; isSupplied?: () => boolean } = {},
  ): number => {
    const message = { type: "subscribe", rendition: 0, classes } as const;
    fanOut.subscribe(at(ms), neighbour, message, isSupplied);
    return sizeOf(grantedTo(neighbour));
  };
  return { mesh, uploads, fanOut, block, subscribe };
}

function grantedTo({ granted }: Neighbour): ClassSet {
  return granted.get(0) ?? 0;
}

describe("the capacity of a neighbour", () => {
  test("is believed for ten seconds, and then as far as it tells what it gets and room for pulls", () => {
    const { mesh } = world(1);
    const capacityKbps = 25_000;
    const silent = mesh.join("silent", { capacityKbps, lagMs: undefined });
    const full = mesh.join("full", { capacityKbps, roomKbps: 400, lagMs: 100 });
    const refuser = mesh.join("refuser", { capacityKbps, lagMs: 100 });
    for (let count = 0; count < 2; count++) refuser.score.failed(START);
    const believed = (ms: number) =>
      [silent, full, refuser].map((neighbour) => neighbour.contributionKbps(at(ms)));
    expect(believed(9999)).toEqual([capacityKbps, capacityKbps, 0]);
    expect(believed(10_000)).toEqual([0, 10_000, 0]);
  });

  test("is believed by a seed for ten seconds, up to 1.5 times the stream, and then as others speak for it", () => {
    const { mesh, fanOut } = world(1, "seed");
    const streamKbps = RATE / 125;
    const capacityKbps = 3 * streamKbps;
    const [praised, unknown, weak] = [
      mesh.join("praised", { capacityKbps }),
      mesh.join("unknown", { capacityKbps }),
      mesh.join("weak", { capacityKbps: streamKbps }),
    ];
    praised.score.heard(at(9000), "witness", 0.9, 1);
    const voted = (neighbour: Neighbour, ms: number) => fanOut.votedKbps(at(ms), neighbour);
    expect(voted(unknown, 9000)).toBe(1.5 * streamKbps);
    expect(voted(weak, 9000)).toBe(streamKbps);
    expect(voted(unknown, 10_000)).toBeCloseTo(0.02 * capacityKbps);
    expect(voted(praised, 10_000)).toBeGreaterThan(0.87 * capacityKbps);
  });
});

describe("what is granted", () => {
  test("stays within the share of the uplink that pushes may take", () => {
    const { mesh, fanOut, subscribe } = world(2);
    const slots = Math.floor(2 * SYMBOL_CLASSES * 0.9);
    expect(fanOut.spare()).toBe(slots);
    for (let count = 0; count < 6; count++) subscribe(mesh.join(`peer ${count}`), ALL_SYMBOLS);
    expect(fanOut.granted).toBe(slots);
    expect(fanOut.spare()).toBe(0);
  });

  test("is told with what is spare, even when it is nothing", () => {
    const { mesh, subscribe } = world(2);
    const alice = mesh.join("alice");
    subscribe(alice, 0b11);
    const serve = { type: "serve", rendition: 0, classes: 0b11, spare: 12 };
    expect(mesh.sent("serve")).toEqual([{ to: alice.id, message: serve }]);
    subscribe(alice, 0b11, { isSupplied: () => false });
    expect(mesh.sent("serve").map(({ message }) => message.classes)).toEqual([0b11]);
  });

  test("leaves no more spare than the wire can tell", () => {
    const { fanOut } = world(10_000);
    expect(fanOut.spare()).toBe(65_535);
  });

  test("is nothing that this peer does not get itself", () => {
    const { mesh, subscribe } = world(2);
    expect(subscribe(mesh.join("alice"), ALL_SYMBOLS, { isSupplied: () => false })).toBe(0);
  });

  test("ends with a subscription that leaves it out, and frees its place", () => {
    const { mesh, fanOut, subscribe } = world(1);
    const alice = mesh.join("alice");
    subscribe(alice, ALL_SYMBOLS);
    expect(fanOut.spare()).toBe(0);
    subscribe(alice, 0b1);
    expect(grantedTo(alice)).toBe(0b1);
    expect(fanOut.spare()).toBe(6);
    fanOut.lost(alice);
    expect(fanOut.spare()).toBe(7);
  });

  test("may be all manifests: they need no place", () => {
    const { mesh, fanOut, subscribe } = world(1);
    subscribe(mesh.join("alice"), ALL_SYMBOLS);
    const bob = mesh.join("bob", { capacityKbps: 1 });
    expect(subscribe(bob, ALL_SYMBOLS | MANIFESTS, { ms: 0 })).toBe(1);
    expect(fanOut.followers(0)).toEqual([bob]);
  });
});

describe("without a place", () => {
  test("a subscriber of half as much capacity again takes one from the weakest", () => {
    const { mesh, subscribe } = world(1);
    const weak = mesh.join("weak", { capacityKbps: 1000 });
    const strong = mesh.join("strong", { capacityKbps: 9000 });
    subscribe(weak, ALL_SYMBOLS);
    mesh.sent("serve");
    expect(subscribe(strong, 0b1)).toBe(1);
    expect(sizeOf(grantedTo(weak))).toBe(6);
    expect(mesh.sent("serve").map(({ to }) => to)).toEqual([weak.id, strong.id]);
  });

  test("one that is hardly stronger gets nothing", () => {
    const { mesh, subscribe } = world(1);
    subscribe(mesh.join("alice", { capacityKbps: 1000 }), ALL_SYMBOLS);
    expect(subscribe(mesh.join("bob", { capacityKbps: 1400 }), 0b1)).toBe(0);
  });

  test("at most one place changes hands in fifty milliseconds", () => {
    const { mesh, subscribe } = world(1);
    subscribe(mesh.join("weak", { capacityKbps: 1000 }), ALL_SYMBOLS);
    const strong = mesh.join("strong", { capacityKbps: 9000 });
    expect(subscribe(strong, ALL_SYMBOLS, { ms: 1000 })).toBe(1);
    expect(subscribe(strong, ALL_SYMBOLS, { ms: 1049 })).toBe(1);
    expect(subscribe(strong, ALL_SYMBOLS, { ms: 1050 })).toBe(2);
  });

  test("a distrusted subscriber loses its places first, whatever capacity it claims", () => {
    const { mesh, subscribe } = world(1);
    const omitter = mesh.join("omitter", { capacityKbps: 1_000_000 });
    const honest = mesh.join("honest", { capacityKbps: 1000 });
    subscribe(omitter, 0b1111);
    subscribe(honest, ALL_SYMBOLS);
    for (let count = 0; count < 5; count++) omitter.score.failed(at(1000));
    expect(subscribe(mesh.join("newcomer", { capacityKbps: 1000 }), 0b1)).toBe(1);
    expect(sizeOf(grantedTo(omitter))).toBe(3);
    expect(sizeOf(grantedTo(honest))).toBe(3);
  });

  test("a seed spreads its classes over peers of the same capacity", () => {
    const { mesh, subscribe } = world(1, "seed");
    const first = mesh.join("first");
    const second = mesh.join("second");
    subscribe(first, ALL_SYMBOLS);
    for (let ms = 1000; ms < 3000; ms += 50) subscribe(second, ALL_SYMBOLS, { ms });
    expect(sizeOf(grantedTo(first)) + sizeOf(grantedTo(second))).toBe(6);
    expect(sizeOf(grantedTo(second))).toBeGreaterThanOrEqual(2);
    expect(sizeOf(grantedTo(first))).toBeGreaterThanOrEqual(2);
  });

  test("a seed takes its classes back from one that more blame than praise", () => {
    const { mesh, subscribe } = world(1, "seed");
    const [traitor, other] = [mesh.join("traitor"), mesh.join("other")];
    subscribe(traitor, ALL_SYMBOLS);
    traitor.score.heard(at(10_000), "witness", -0.5, 1);
    for (let ms = 10_000; ms < 12_000; ms += 50) subscribe(other, ALL_SYMBOLS, { ms });
    expect([traitor, other].map((neighbour) => sizeOf(grantedTo(neighbour)))).toEqual([0, 6]);
  });
});

describe("a class that a full seed sends to nobody", () => {
  test("takes the place of one that several get, at the weakest of them", () => {
    const { mesh, subscribe } = world(1.25, "seed");
    const weak = mesh.join("weak", { capacityKbps: 100 });
    const strong = mesh.join("strong");
    subscribe(weak, 0b11);
    expect(subscribe(strong, ALL_SYMBOLS & ~0b1_1000)).toBe(6);
    const asker = mesh.join("asker", { capacityKbps: 50 });
    subscribe(asker, 0b1100);
    expect(grantedTo(asker)).toBe(0b1000);
    expect(sizeOf(grantedTo(weak))).toBe(1);
    expect(sizeOf(grantedTo(strong))).toBe(6);
  });

  test("is not sent for another that would be sent to nobody", () => {
    const { mesh, subscribe } = world(1, "seed");
    subscribe(mesh.join("alice"), ALL_SYMBOLS);
    expect(subscribe(mesh.join("weak", { capacityKbps: 100 }), 1 << 7)).toBe(0);
  });
});

describe("a new symbol", () => {
  test("is pushed to those who subscribed to its class, but not to who has it or sent it", () => {
    const { mesh, uploads, fanOut, block, subscribe } = world(4);
    const names = ["alice", "bob", "carol", "dave"];
    const [alice, bob, carol, dave] = names.map((name) => mesh.join(name)) as [
      Neighbour,
      Neighbour,
      Neighbour,
      Neighbour,
    ];
    for (const neighbour of [alice, bob, carol]) subscribe(neighbour, 1 << block.classOf(0));
    subscribe(dave, 1 << block.classOf(1));
    block.heldBy(bob, [0]);
    mesh.state.outputs.length = 0;
    fanOut.offer(START, block, 0, carol);
    uploads.pump(START);
    expect(mesh.sent("symbol").map(({ to, message }) => [to, message.esi])).toEqual([
      [alice.id, 0],
    ]);
  });

  test("goes to the stronger subscriber first", () => {
    const { mesh, uploads, fanOut, block, subscribe } = world(4);
    const weak = mesh.join("weak", { capacityKbps: 100 });
    const strong = mesh.join("strong");
    for (const neighbour of [weak, strong]) subscribe(neighbour, 1 << block.classOf(0));
    mesh.state.outputs.length = 0;
    fanOut.offer(START, block, 0, undefined);
    uploads.pump(START);
    expect(mesh.sent("symbol").map(({ to }) => to)).toEqual([strong.id, weak.id]);
  });
});

describe("one that is in doubt", () => {
  test("gets what is free, which still counts as spare, and loses it to any other", () => {
    const { mesh, fanOut, subscribe } = world(1);
    const [doubted, another, weak] = [
      mesh.join("doubted"),
      mesh.join("another"),
      mesh.join("weak", { capacityKbps: 0, roomKbps: 0 }),
    ];
    for (const neighbour of [doubted, another]) neighbour.score.failed(START);
    const all = subscribe(doubted, ALL_SYMBOLS);
    expect(all).toBeGreaterThan(0);
    expect(fanOut.spare()).toBe(all);
    expect(subscribe(another, 0b1)).toBe(0);
    expect(subscribe(weak, 0b11)).toBe(2);
    expect(sizeOf(grantedTo(doubted))).toBe(all - 2);
    expect(fanOut.spare()).toBe(all - 2);
  });

  test("is sent to after all that others wait for, and that costs nobody a class", () => {
    const { mesh, uploads, fanOut, block, subscribe } = world(1);
    const [doubted, puller] = [mesh.join("doubted"), mesh.join("puller", { capacityKbps: 0 })];
    doubted.score.failed(START);
    const granted = subscribe(doubted, ALL_SYMBOLS, { ms: 0 });
    for (let esi = 0; esi < block.k; esi++) fanOut.offer(START, block, esi, undefined);
    const asked = { type: "request", block: block.id, withinMs: 1000, esis: [0] } as const;
    uploads.request(START, puller, asked);
    mesh.state.outputs.length = 0;
    uploads.pump(START);
    expect(mesh.sent("symbol")[0]?.to).toBe(puller.id);
    fanOut.shed(at(1599));
    expect(sizeOf(grantedTo(doubted))).toBe(granted);
  });
});

test("what waits too long is too much: the weakest subscriber loses a class, one at a time", () => {
  const { mesh, fanOut, block, subscribe } = world(1);
  const [weak, strong] = [mesh.join("weak", { capacityKbps: 100 }), mesh.join("strong")];
  subscribe(weak, 0b11_1111, { ms: 0 });
  subscribe(strong, 0b1, { ms: 0 });
  const before = sizeOf(grantedTo(weak));
  for (let esi = 0; esi < block.k; esi++) fanOut.offer(START, block, esi, undefined);
  fanOut.shed(at(1349));
  expect(sizeOf(grantedTo(weak))).toBe(before);
  fanOut.shed(at(1350));
  fanOut.shed(at(1700));
  expect(sizeOf(grantedTo(weak))).toBe(before - 1);
  expect(sizeOf(grantedTo(strong))).toBe(1);
  claim(weak, { capacityKbps: 1_000_000 });
  fanOut.shed(at(1750));
  expect(sizeOf(grantedTo(strong))).toBe(0);
});

test("what turned out to be too much is tried again only ten seconds later", () => {
  const { mesh, uploads, fanOut, block, subscribe } = world(1);
  const child = mesh.join("child");
  const granted = subscribe(child, ALL_SYMBOLS, { ms: 0 });
  for (let esi = 0; esi < block.k; esi++) fanOut.offer(START, block, esi, undefined);
  fanOut.shed(at(1350));
  uploads.lost(child);
  expect(sizeOf(grantedTo(child))).toBe(granted - 1);
  expect(fanOut.spare()).toBe(0);
  fanOut.shed(at(1350 + PROBE_EVERY_MS));
  expect(fanOut.spare()).toBe(0);
  fanOut.shed(at(1351 + PROBE_EVERY_MS));
  expect(fanOut.spare()).toBe(1);
});

test("one that takes nothing holds nobody back, and gets its turn again when it does", () => {
  const { mesh, uploads, fanOut, subscribe } = world(10, "seed");
  const [stuck, other] = [mesh.join("stuck"), mesh.join("other")];
  for (const neighbour of [stuck, other]) subscribe(neighbour, ALL_SYMBOLS);
  const symbolsOf = (sequence: number, ms: number): Record<string, number> => {
    mesh.state.now = at(ms);
    const block = mesh.addBlock(sequence, "published", { releasedAt: at(ms), byteLength: RATE });
    const counts: Record<string, number> = { [stuck.id]: 0, [other.id]: 0 };
    mesh.sent("symbol");
    for (let esi = 0; esi < block.manifest.fec.k; esi++) fanOut.offer(at(ms), block, esi, stuck);
    for (let esi = 0; esi < block.manifest.fec.k; esi++) uploads.push(at(ms), stuck, block, esi, 0);
    for (let stepMs = ms; stepMs < ms + 500; stepMs += 50) {
      mesh.state.now = at(stepMs);
      mesh.hear(at(stepMs));
      fanOut.release(at(stepMs));
      uploads.pump(at(stepMs));
      for (const { to } of mesh.sent("symbol")) counts[to] = (counts[to] ?? 0) + 1;
      uploads.buffered(at(stepMs), other, 0);
    }
    return counts;
  };
  for (let sequence = 1; sequence < 9; sequence++) symbolsOf(sequence, 500 * sequence);
  const { k } = mesh.addBlock(9, "published", { byteLength: RATE }).manifest.fec;
  expect(grantedTo(stuck)).toBe(0);
  expect(symbolsOf(10, 4500)).toEqual({ [stuck.id]: 0, [other.id]: k });
  uploads.buffered(at(5000), stuck, 0);
  expect(symbolsOf(11, 5500)[stuck.id]).toBeGreaterThan(0);
});

test("what goes to one that may have vanished is taken from it, and it is told", () => {
  const { mesh, fanOut, subscribe } = world(1);
  const [gone, alive] = [mesh.join("gone"), mesh.join("alive")];
  subscribe(gone, ALL_SYMBOLS);
  const now = at(QUIET_MS + 1);
  alive.heardAt = now;
  expect(subscribe(alive, 0b1)).toBe(0);
  fanOut.release(now);
  expect(grantedTo(gone)).toBe(0);
  expect(mesh.sent("serve").findLast(({ to }) => to === gone.id)?.message.classes).toBe(0);
  expect(subscribe(alive, 0b1)).toBe(0b1);
});
