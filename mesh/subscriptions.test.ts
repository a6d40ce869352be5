import { describe, expect, test } from "@jest/globals";
import { CLASSES, type ClassSet, type InstantMs, MANIFEST_CLASS } from "../core/index.ts";
import type { Block } from "./block.ts";
import { classesIn, sizeOf } from "./class-set.ts";
import { Liveness } from "./liveness.ts";
import type { Neighbour } from "./neighbour.ts";
import { Subscriptions } from "./subscriptions.ts";
import { at, claim, START, TestState } from "./testing/test-state.ts";
import { DEFAULT_TUNING } from "./tuning.ts";

const ALL: ClassSet = 2 ** CLASSES - 1;

/** A viewer that could send the stream `copies` times. */
function world({ copies = 1, renditions = [0] } = {}) {
  const mesh = new TestState("viewer");
  const subscriptions = new Subscriptions(mesh.state, renditions, {
    liveness: new Liveness(mesh.state),
    copies: () => copies,
  });
  const answer = (neighbour: Neighbour, now: InstantMs, classes: ClassSet, spare = 16): void => {
    subscriptions.answered(now, neighbour, { type: "serve", rendition: 0, classes, spare });
  };
  /** Joins a neighbour and lets it serve all classes. */
  const servedBy = (name: string, lagMs: number): Neighbour => {
    const neighbour = mesh.join(name, { lagMs, spare: 17 });
    subscriptions.maintain(START);
    answer(neighbour, START, ALL);
    mesh.sent("subscribe");
    return neighbour;
  };
  return { mesh, subscriptions, answer, servedBy };
}

function wantedOf({ wanted }: Neighbour): ClassSet {
  return wanted.get(0) ?? 0;
}

/** Tells of the first so many symbols of a block that they are late. */
function miss(subscriptions: Subscriptions, now: InstantMs, block: Block, esis: number[]): void {
  for (const esi of esis) subscriptions.missed(now, block, esi);
}

describe("a parent is chosen", () => {
  test("by its lag, and asked once for all of its classes", () => {
    const { mesh, subscriptions } = world();
    const near = mesh.join("near", { lagMs: 100, spare: 17 });
    mesh.join("far", { lagMs: 3000, spare: 17 });
    subscriptions.maintain(START);
    const message = { type: "subscribe", rendition: 0, classes: ALL };
    expect(mesh.sent("subscribe")).toEqual([{ to: near.id, message }]);
    subscriptions.maintain(at(100));
    expect(mesh.sent("subscribe")).toEqual([]);
  });

  test("among equals so that each pushes about as many classes", () => {
    const { mesh, subscriptions } = world();
    const parents = ["a", "b", "c", "d"].map((name) => mesh.join(name, { lagMs: 100 }));
    subscriptions.maintain(START);
    for (const parent of parents)
      expect(Math.abs(sizeOf(wantedOf(parent)) - CLASSES / 4)).toBeLessThan(1);
  });

  test("among those that have given nothing yet so that each pushes few, whatever lag it claims", () => {
    const { mesh, subscriptions } = world();
    const near = ["a", "b", "c"].map((name) => mesh.join(name, { lagMs: 25, spare: 17 }));
    const proven = mesh.join("proven", { lagMs: 200, spare: 17 });
    proven.score.delivered(START);
    subscriptions.maintain(START);
    for (const neighbour of near) expect(sizeOf(wantedOf(neighbour))).toBe(1);
    expect(sizeOf(wantedOf(proven))).toBe(CLASSES - near.length);
  });

  test("by preference among those that have not failed yet, whatever lag those claim that have", () => {
    const { mesh, subscriptions } = world();
    const failed = mesh.join("failed", { lagMs: 25, spare: 17 });
    failed.score.failed(START);
    const far = mesh.join("far", { lagMs: 900, spare: 17 });
    far.score.delivered(START);
    subscriptions.maintain(START);
    expect([failed, far].map(wantedOf)).toEqual([0, ALL]);
  });

  test("never of those that get no such class, have none to spare, or are distrusted", () => {
    const { mesh, subscriptions } = world({ copies: 0.5 });
    const unfed = mesh.join("unfed", { lagMs: undefined });
    const full = mesh.join("full", { lagMs: 100, spare: 0 });
    const omitter = mesh.join("omitter", { lagMs: 100 });
    for (let count = 0; count < 4; count++) omitter.score.failed(START);
    subscriptions.maintain(START);
    expect([unfed, omitter].map(wantedOf)).toEqual([0, 0]);
    expect(classesIn(wantedOf(full))).toEqual([MANIFEST_CLASS]);
    expect(subscriptions.lacking).toBe(CLASSES - 1);
  });

  test("even without a spare class, by one that is strong enough to get one", () => {
    const { mesh, subscriptions } = world({ copies: 2 });
    const full = mesh.join("full", { lagMs: 100, spare: 0 });
    subscriptions.maintain(START);
    expect(wantedOf(full)).toBe(ALL);
  });

  test("never of those that get the class from here", () => {
    const { mesh, subscriptions } = world();
    const child = mesh.join("child", { lagMs: 100 });
    child.granted.set(0, 0b111);
    subscriptions.maintain(START);
    expect(classesIn(wantedOf(child)).slice(0, 2)).toEqual([3, 4]);
  });

  test("only for the renditions that the peer follows", () => {
    const { mesh, subscriptions } = world({ renditions: [1] });
    mesh.join("seed", { role: "seed" });
    subscriptions.maintain(START);
    expect(mesh.sent("subscribe").map(({ message }) => message.rendition)).toEqual([1]);
    expect(subscriptions.isFollowed(0)).toBe(false);
  });
});

describe("a class that a neighbour refuses", () => {
  test("is asked of another at once, and of the same after two seconds", () => {
    const { mesh, subscriptions, answer } = world();
    const near = mesh.join("near", { lagMs: 100, spare: 17 });
    subscriptions.maintain(START);
    const far = mesh.join("far", { lagMs: 200, spare: 17 });
    answer(near, at(50), ALL & ~0b1);
    subscriptions.maintain(at(50));
    expect(wantedOf(near)).toBe(ALL & ~0b1);
    expect(wantedOf(far)).toBe(0b1);
    answer(far, at(100), 0);
    mesh.hear(at(2000));
    subscriptions.maintain(at(2049));
    expect(wantedOf(near)).toBe(ALL & ~0b1);
    subscriptions.maintain(at(2050));
    expect(wantedOf(near)).toBe(ALL);
  });

  test("is asked elsewhere when no answer comes in 800 ms", () => {
    const { mesh, subscriptions } = world();
    const mute = mesh.join("mute", { lagMs: 100, spare: 17 });
    subscriptions.maintain(START);
    const other = mesh.join("other", { lagMs: 200, spare: 17 });
    subscriptions.maintain(at(800));
    expect(wantedOf(other)).toBe(0);
    subscriptions.maintain(at(801));
    expect([wantedOf(mute), wantedOf(other)]).toEqual([0, ALL]);
  });
});

describe("a parent that brings nothing is left", () => {
  test("at the first late symbol when it has brought none, which is a failure", () => {
    const { mesh, subscriptions, servedBy } = world();
    const parent = servedBy("parent", 100);
    const block = mesh.addBlock(0, "wanted");
    parent.heardAt = at(900);
    miss(subscriptions, at(1000), block, [0]);
    expect(subscriptions.parentOf(block, 0)).toBeUndefined();
    expect(parent.score.value(at(1000))).toBeCloseTo(-1);
  });

  test("and is tried again ever more seldom while it brings nothing", () => {
    const { mesh, subscriptions, answer } = world();
    const omitter = mesh.join("omitter", { lagMs: 100, spare: 17 });
    const { k } = mesh.addBlock(20, "wanted");
    const all = Array.from({ length: k }, (_, esi) => esi);
    let asked = 0;
    for (let sequence = 0; sequence < 20; sequence++) {
      const now = at(sequence * 1000);
      mesh.hear(now);
      subscriptions.maintain(now);
      asked += mesh.sent("subscribe").filter(({ message }) => message.classes !== 0).length;
      answer(omitter, now, ALL);
      const block = mesh.addBlock(sequence, "wanted", { releasedAt: now });
      miss(subscriptions, at(sequence * 1000 + 400), block, all);
    }
    expect(asked).toBeLessThan(6);
    expect(omitter.score.value(at(20_000))).toBeLessThan(-1);
  });

  test("when no manifest comes from it for two blocks and a little, though others tell of none", () => {
    const { mesh, subscriptions, servedBy } = world({ copies: 0.5 });
    const parent = servedBy("parent", 100);
    const block = mesh.addBlock(0, "wanted");
    subscriptions.released(block);
    subscriptions.arrived(at(100), parent, block, -1);
    const other = mesh.join("other", { lagMs: 100, spare: 17 });
    const overdueMs = 100 + 2 * block.manifest.durationMs + DEFAULT_TUNING.slackMs;
    mesh.hear(at(overdueMs));
    subscriptions.maintain(at(overdueMs));
    expect(classesIn(wantedOf(parent))).toContain(MANIFEST_CLASS);
    mesh.hear(at(overdueMs + 300));
    subscriptions.maintain(at(overdueMs + 300));
    expect(classesIn(wantedOf(parent))).not.toContain(MANIFEST_CLASS);
    expect(classesIn(wantedOf(other))).toEqual([MANIFEST_CLASS]);
  });
});

describe("a parent that falls silent", () => {
  test("is left with all of its classes at the first late symbol, when it has been silent for half a second", () => {
    const { mesh, subscriptions, servedBy } = world();
    const parent = servedBy("parent", 100);
    const other = mesh.join("other", { lagMs: 120, spare: 17 }, at(500));
    const block = mesh.addBlock(0, "wanted");
    parent.heardAt = at(100);
    subscriptions.arrived(at(100), parent, block, 0);
    miss(subscriptions, at(600), block, [0]);
    expect(subscriptions.parentOf(block, 0)).toBe(parent);
    miss(subscriptions, at(601), block, [0]);
    subscriptions.maintain(at(601));
    expect([0, 1].map((esi) => subscriptions.parentOf(block, esi)?.id)).toEqual([
      other.id,
      other.id,
    ]);
  });

  test("is left for one that answers when others are silent too", () => {
    const { mesh, subscriptions, servedBy } = world();
    const parent = servedBy("parent", 100);
    const others = ["near", "far"].map((name, at) =>
      mesh.join(name, { lagMs: 120 + at, spare: 17 }),
    );
    const block = mesh.addBlock(0, "wanted");
    mesh.sent("ping");
    miss(subscriptions, at(601), block, [0]);
    expect(mesh.sent("ping").map(({ to }) => to)).toEqual([parent, ...others].map(({ id }) => id));
    subscriptions.maintain(at(601));
    expect(subscriptions.parentOf(block, 0)).toBeUndefined();
    const [, far] = others;
    if (far !== undefined) far.heardAt = at(650);
    subscriptions.maintain(at(650));
    expect(subscriptions.parentOf(block, 0)?.id).toBe(far?.id);
  });
});

describe("a parent is left", () => {
  test("after four late symbols in a row when it has brought some and is still heard", () => {
    const { mesh, subscriptions, servedBy } = world();
    const parent = servedBy("parent", 100);
    const block = mesh.addBlock(0, "wanted");
    parent.heardAt = at(900);
    subscriptions.arrived(at(900), parent, block, 0);
    miss(subscriptions, at(1000), block, [0, 0, 0]);
    expect(subscriptions.parentOf(block, 0)).toBe(parent);
    subscriptions.arrived(at(1000), parent, block, 0);
    miss(subscriptions, at(1000), block, [0, 0, 0]);
    expect(subscriptions.parentOf(block, 0)).toBe(parent);
    miss(subscriptions, at(1000), block, [0]);
    expect(subscriptions.parentOf(block, 0)).toBeUndefined();
  });

  test("not for symbols of blocks that were released before it was asked", () => {
    const { mesh, subscriptions, servedBy } = world();
    const parent = servedBy("parent", 100);
    const block = mesh.addBlock(0, "wanted", { releasedAt: at(-1000) });
    miss(subscriptions, at(5000), block, [0, 0, 0, 0, 0]);
    expect(subscriptions.parentOf(block, 0)).toBe(parent);
  });

  test("when it is gone, and nobody that gets the class from here takes its place", () => {
    const { mesh, subscriptions, servedBy } = world({ copies: 0.5 });
    const parent = servedBy("parent", 100);
    const [near, behind] = [mesh.join("near", { lagMs: 180, spare: 3 }), mesh.join("behind")];
    claim(behind, { lagMs: 700, spare: 17 });
    mesh.state.remove(parent.id);
    subscriptions.lost(at(100), parent);
    subscriptions.maintain(at(100));
    expect(classesIn(wantedOf(near))).toEqual([0, 1, 2, MANIFEST_CLASS]);
    expect(wantedOf(behind)).toBe(0);
    subscriptions.maintain(at(1600));
    expect(sizeOf(wantedOf(behind))).toBe(CLASSES - 4);
  });

  test("for one that is much nearer to the origin, by a peer that feeds many", () => {
    const { mesh, subscriptions, servedBy, answer } = world({ copies: 3 });
    const parent = servedBy("parent", 900);
    const seed = mesh.join("seed", { role: "seed" });
    for (let ms = 250; ms < 60_000; ms += 250) {
      subscriptions.maintain(at(ms));
      for (const neighbour of [parent, seed]) answer(neighbour, at(ms), wantedOf(neighbour));
    }
    expect(sizeOf(wantedOf(seed))).toBeGreaterThanOrEqual(5);
    expect(sizeOf(wantedOf(parent)) + sizeOf(wantedOf(seed))).toBe(CLASSES);
  });

  test("not by a peer that feeds few and gets all soon enough", () => {
    const { mesh, subscriptions, servedBy } = world({ copies: 1 });
    const parent = servedBy("parent", 700);
    mesh.join("seed", { role: "seed" });
    for (let ms = 250; ms < 60_000; ms += 250) subscriptions.maintain(at(ms));
    expect(wantedOf(parent)).toBe(ALL);
  });
});

describe("what a peer tells of its feeds", () => {
  test("counts a class as supplied once it is served, but not to its parent", () => {
    const { mesh, subscriptions, answer } = world();
    const [parent, child] = [mesh.join("parent", { lagMs: 100 }), mesh.join("child")];
    subscriptions.maintain(START);
    expect(subscriptions.isSupplied(0, MANIFEST_CLASS, child)).toBe(false);
    answer(parent, START, ALL);
    expect(subscriptions.isSupplied(0, MANIFEST_CLASS, child)).toBe(true);
    expect(subscriptions.isSupplied(0, MANIFEST_CLASS, parent)).toBe(false);
    expect(subscriptions.isSupplied(1, MANIFEST_CLASS, child)).toBe(false);
  });

  test("a symbol is due when its class usually comes, and a little later", () => {
    const { mesh, subscriptions, servedBy } = world();
    servedBy("parent", 100);
    const block = mesh.addBlock(0, "wanted");
    const lagMs = 100 + 50 + 60;
    expect(subscriptions.dueAt(block, 0)).toBe(at(lagMs + DEFAULT_TUNING.slackMs));
    expect(subscriptions.dueAt(block, block.k)).toBe(START);
  });
});
