import { describe, expect, test } from "@jest/globals";
import type { PeerRole } from "../core/index.ts";
import type { Block } from "./block.ts";
import { Liveness } from "./liveness.ts";
import type { Neighbour } from "./neighbour.ts";
import { Pulls } from "./pulls.ts";
import { Subscriptions } from "./subscriptions.ts";
import { at, TestState } from "./testing/test-state.ts";

/** A viewer, or a seed, to which nobody pushes. */
function world(role: PeerRole = "viewer") {
  const mesh = new TestState(role);
  const subscriptions = new Subscriptions(mesh.state, [0], {
    liveness: new Liveness(mesh.state),
    copies: () => 1,
  });
  const pulls = new Pulls(mesh.state, subscriptions);
  const requests = () =>
    mesh.sent("request").map(({ to, message }) => ({ to, esis: [...message.esis] }));
  return { mesh, subscriptions, pulls, requests };
}

function all(block: Block): number[] {
  return Array.from({ length: block.k }, (_, esi) => esi);
}

function fill(mesh: TestState, block: Block, esis: readonly number[]): void {
  const { symbols } = mesh.origin.block(at(0), block.id, new Uint8Array(60_000));
  for (const esi of esis) block.decoder?.add(esi, symbols[esi] as Uint8Array);
}

/** Takes a symbol off the list of those on the way. */
function arrives(neighbour: Neighbour, block: Block, esi: number): void {
  neighbour.takePull(block, esi);
}

test("a symbol is not pulled while its parent may still push it, and then from another", () => {
  const { mesh, subscriptions, pulls, requests } = world();
  const parent = mesh.join("parent", { lagMs: 0, spare: 17 });
  subscriptions.maintain(at(0));
  const block = mesh.addBlock(0, "wanted");
  const other = mesh.join("other");
  for (const holder of [parent, other]) block.heldBy(holder, all(block));
  const due = subscriptions.dueAt(block, 0);
  pulls.run(at(due - at(0) - 1), block);
  expect(requests()).toEqual([]);
  pulls.run(due, block);
  expect([parent.pulls.length, other.pulls.length]).toEqual([0, block.k]);
});

test("a symbol that came from another is not asked for any more", () => {
  const { mesh, pulls, requests } = world();
  const block = mesh.addBlock(0, "wanted");
  const holder = mesh.join("holder");
  block.heldBy(holder, [3]);
  pulls.run(at(0), block);
  expect(requests().length).toBe(1);
  pulls.came(block, 3);
  pulls.came(block, 4);
  const cancel = { type: "cancel", block: block.id, esis: [3] };
  expect(mesh.sent("cancel")).toEqual([{ to: holder.id, message: cancel }]);
  expect(holder.pulls).toEqual([]);
});

describe("a symbol that is late", () => {
  test("is pulled from a neighbour that has it", () => {
    const { mesh, pulls, requests } = world();
    mesh.join("empty");
    const holder = mesh.join("holder");
    const block = mesh.addBlock(0, "wanted");
    block.heldBy(holder, [3, 5]);
    pulls.run(at(100), block);
    expect(requests()).toEqual([{ to: holder.id, esis: [3, 5] }]);
    pulls.run(at(200), block);
    expect(requests()).toEqual([]);
  });

  test("is pulled from a viewer that should have its class by now", () => {
    const { mesh, pulls, requests } = world();
    mesh.join("near", { lagMs: 100 });
    const block = mesh.addBlock(0, "wanted");
    pulls.run(at(250), block);
    expect(requests()).toEqual([]);
    pulls.run(at(251), block);
    expect(requests().length).toBe(1);
  });

  test("is pulled from another when it is declined, and of the first again when none is left", () => {
    const { mesh, pulls, requests } = world();
    const [first, second] = [mesh.join("first"), mesh.join("second")];
    const block = mesh.addBlock(0, "wanted");
    fill(mesh, block, all(block).slice(1));
    for (const neighbour of [first, second]) block.heldBy(neighbour, [0]);
    const decline = { type: "decline", block: block.id, isBusy: true, esis: [0] } as const;
    pulls.run(at(100), block);
    expect(requests()).toEqual([{ to: first.id, esis: [0] }]);
    pulls.declined(at(150), first, decline);
    pulls.run(at(200), block);
    expect(requests()).toEqual([{ to: second.id, esis: [0] }]);
    pulls.declined(at(250), second, decline);
    pulls.run(at(549), block);
    expect(requests()).toEqual([]);
    pulls.run(at(550), block);
    expect(requests()).toEqual([{ to: first.id, esis: [0] }]);
  });

  test("counts against one that told ample room for it and has given nothing, not against others", () => {
    const { mesh, pulls } = world();
    const block = mesh.addBlock(0, "wanted");
    const scoreAfterDecline = (name: string, roomKbps: number, given: number): number => {
      const neighbour = mesh.join(name, { roomKbps });
      for (let count = 0; count < given; count++) neighbour.score.delivered(at(0));
      pulls.declined(at(0), neighbour, {
        ...{ type: "decline", block: block.id, isBusy: true, esis: [0] },
      });
      return neighbour.score.value(at(0));
    };
    expect(scoreAfterDecline("boaster", 25_000, 0)).toBeCloseTo(-0.3);
    expect(scoreAfterDecline("modest", 100, 0)).toBeCloseTo(-0.03);
    expect(scoreAfterDecline("giver", 25_000, 1)).toBe(1);
  });

  test("is not pulled from a neighbour that tells nothing any more", () => {
    const { mesh, pulls, requests } = world();
    const [quiet, heard] = [mesh.join("quiet"), mesh.join("heard")];
    const block = mesh.addBlock(0, "wanted");
    for (const neighbour of [quiet, heard]) block.heldBy(neighbour, [0]);
    heard.heardAt = at(100);
    pulls.run(at(1601), block);
    expect(requests()).toEqual([{ to: heard.id, esis: [0] }]);
  });

  test("is taken back when it lapses, which the neighbour's score notes", () => {
    const { mesh, pulls, requests } = world();
    const [first, second] = [mesh.join("first"), mesh.join("second")];
    const block = mesh.addBlock(0, "wanted");
    for (const neighbour of [first, second]) block.heldBy(neighbour, [0]);
    pulls.run(at(0), block);
    requests();
    pulls.expire(at(700));
    expect(mesh.sent("cancel")).toEqual([]);
    pulls.expire(at(1500));
    const cancel = { type: "cancel", block: block.id, esis: [0] };
    expect(mesh.sent("cancel")).toEqual([{ to: first.id, message: cancel }]);
    expect(first.score.value(at(1500))).toBeCloseTo(-0.3);
    pulls.run(at(1500), block);
    expect(requests()).toEqual([{ to: second.id, esis: [0] }]);
  });
});

describe("a block", () => {
  test("is completed from any K symbols: no more are asked for than it lacks", () => {
    const { mesh, pulls, requests } = world();
    const complete = mesh.join("complete");
    const block = mesh.addBlock(0, "wanted");
    block.heldBy(complete, all(block));
    fill(mesh, block, all(block).slice(4));
    pulls.run(at(500), block);
    expect(requests()).toEqual([{ to: complete.id, esis: [0, 1, 2, 3] }]);
  });

  test("takes repair symbols for those that lapsed or that nobody has", () => {
    const { mesh, pulls, requests } = world();
    const complete = mesh.join("complete");
    const block = mesh.addBlock(0, "wanted");
    block.heldBy(complete, all(block));
    fill(mesh, block, all(block).slice(2));
    block.lapsed[0] = 1;
    block.lapsed[1] = 1;
    pulls.run(at(500), block);
    expect(requests()).toEqual([{ to: complete.id, esis: [block.k, block.k + 1] }]);
  });

  test("has its last symbols on the way twice near its deadline", () => {
    const { mesh, pulls, requests } = world();
    const [first, second] = [mesh.join("first"), mesh.join("second")];
    const block = mesh.addBlock(0, "wanted");
    fill(mesh, block, all(block).slice(1));
    for (const neighbour of [first, second]) block.heldBy(neighbour, [0]);
    mesh.hear(at(2900));
    pulls.run(at(2900), block);
    pulls.run(at(2950), block);
    expect(requests()).toEqual([{ to: first.id, esis: [0] }]);
    pulls.run(at(3001), block);
    expect(requests()).toEqual([{ to: second.id, esis: [0] }]);
  });

  test("that is complete takes back what is still on the way", () => {
    const { mesh, pulls } = world();
    const holder = mesh.join("holder");
    const block = mesh.addBlock(0, "wanted");
    block.heldBy(holder, [0, 1, 2]);
    pulls.run(at(0), block);
    arrives(holder, block, 1);
    mesh.state.outputs.length = 0;
    pulls.cancel(block);
    const cancel = { type: "cancel", block: block.id, esis: [0, 2] };
    expect(mesh.sent("cancel")).toEqual([{ to: holder.id, message: cancel }]);
    expect([holder.pulls.length, holder.pulledBytes, block.asked[0]]).toEqual([0, 0, 0]);
  });
});

describe("a seed is asked", () => {
  test("only when viewers had their second, or sooner if it has classes to spare", () => {
    for (const [spare, afterMs] of [
      [0, 1000],
      [4, 300],
    ] as const) {
      const { mesh, pulls, requests } = world();
      mesh.join("viewer");
      const seed = mesh.join("seed", { role: "seed", spare });
      const block = mesh.addBlock(0, "wanted");
      pulls.run(at(afterMs), block);
      expect(requests()).toEqual([]);
      pulls.run(at(afterMs + 1), block);
      expect(requests()[0]?.to).toBe(seed.id);
    }
  });

  test("at once when there is no viewer", () => {
    const { mesh, pulls, requests } = world();
    mesh.join("seed", { role: "seed", spare: 0 });
    pulls.run(at(0), mesh.addBlock(0, "wanted"));
    expect(requests().length).toBe(1);
  });

  test("after a viewer that has the symbol too, and that after one that is distrusted", () => {
    const { mesh, pulls, requests } = world();
    mesh.join("seed", { role: "seed" });
    const [omitter, viewer] = [mesh.join("omitter"), mesh.join("viewer")];
    for (let count = 0; count < 4; count++) omitter.score.failed(at(2000));
    const block = mesh.addBlock(0, "wanted");
    fill(mesh, block, all(block).slice(1));
    for (const neighbour of [omitter, viewer]) block.heldBy(neighbour, [0]);
    mesh.hear(at(2000));
    pulls.run(at(2000), block);
    expect(requests()[0]?.to).toBe(viewer.id);
  });
});

test("no more is on the way from a neighbour than it can send in a while", () => {
  const { mesh, pulls } = world();
  const holder = mesh.join("holder");
  const block = mesh.addBlock(0, "wanted", { byteLength: 300_000 });
  block.heldBy(holder, all(block));
  pulls.run(at(0), block);
  expect(holder.pulledBytes).toBeGreaterThan(50_000);
  expect(holder.pulledBytes).toBeLessThanOrEqual(65_536);
});

test("what was asked of one that may have vanished is asked of another", () => {
  const { mesh, pulls, requests } = world();
  const block = mesh.addBlock(0, "wanted");
  const [gone, other] = [mesh.join("gone"), mesh.join("other")];
  gone.rttMs = 1;
  for (const holder of [gone, other]) block.heldBy(holder, [3]);
  pulls.run(at(0), block);
  expect(requests().map(({ to }) => to)).toEqual([gone.id]);
  gone.pingedAt = at(0);
  gone.pingId = 1;
  gone.heardAt = at(-1);
  pulls.release(at(301));
  expect(requests()).toEqual([]);
  pulls.release(at(302));
  pulls.run(at(302), block);
  expect(requests()).toEqual([{ to: other.id, esis: [3] }]);
});

test("who lacks a symbol so long after the release is known to lag by as much", () => {
  const { mesh, pulls } = world();
  const block = mesh.addBlock(0, "wanted");
  const neighbour = mesh.join("neighbour", { lagMs: 100 });
  neighbour.rttMs = 40;
  const [symbolClass, other] = [block.classOf(3), block.classOf(4)];
  const decline = { type: "decline", block: block.id, isBusy: false, esis: [3] } as const;
  pulls.declined(at(520), neighbour, decline);
  expect([neighbour.lagMs(0, symbolClass), neighbour.lagMs(0, other)]).toEqual([500, 100]);
  pulls.declined(at(320), neighbour, decline);
  expect(neighbour.lagMs(0, symbolClass)).toBe(500);
});

test("who lacks a symbol is not asked for it over and over when nobody else is left", () => {
  const { mesh, pulls, requests } = world();
  const block = mesh.addBlock(0, "wanted");
  const neighbour = mesh.join("neighbour", { lagMs: 0 });
  const lacks = (ms: number): void => {
    const esis = requests().flatMap((request) => request.esis);
    const decline = { type: "decline", block: block.id, isBusy: false, esis } as const;
    if (esis.length > 0) asked.push(ms);
    if (esis.length > 0) pulls.declined(at(ms), neighbour, decline);
  };
  const asked: number[] = [];
  for (let ms = 1000; ms < 3000; ms += 10) {
    pulls.run(at(ms), block);
    lacks(ms);
  }
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.length).toBeLessThanOrEqual(8);
});

describe("one that gets classes and has given nothing", () => {
  /** A viewer that has a block, and a neighbour that gets a class of it. */
  function taker(role: PeerRole = "viewer") {
    const parts = world(role);
    const block = parts.mesh.addBlock(0, "published");
    const neighbour = parts.mesh.join("taker", { lagMs: 100 });
    neighbour.granted.set(0, 0b1);
    return { ...parts, block, neighbour };
  }

  test("is asked for one symbol now and then, until it has given one", () => {
    const { mesh, pulls, requests, block, neighbour } = taker();
    pulls.test(at(200)); // It may not have it yet.
    expect(requests()).toEqual([]);
    mesh.hear(at(1000));
    for (const ms of [1000, 1100, 4999]) pulls.test(at(ms));
    expect(requests()).toEqual([{ to: neighbour.id, esis: [0] }]);
    arrives(neighbour, block, 0);
    mesh.hear(at(5000));
    pulls.test(at(5000));
    expect(requests().length).toBe(1);
    arrives(neighbour, block, 0);
    neighbour.score.delivered(at(5000));
    pulls.test(at(9000));
    expect(requests()).toEqual([]);
  });

  test("is in doubt when it declines that twice, though it told ample room", () => {
    const { pulls, block, neighbour } = taker();
    for (const ms of [1000, 5000]) {
      expect(neighbour.score.isDoubted(at(ms))).toBe(false);
      pulls.test(at(ms));
      pulls.declined(at(ms), neighbour, {
        ...{ type: "decline", block: block.id, isBusy: true, esis: [0] },
      });
    }
    expect(neighbour.score.isDoubted(at(5000))).toBe(true);
  });

  test.each([
    ["it says that it has no room", { roomKbps: 0 }, 0b1],
    ["it gets nothing", {}, 0],
  ])("is not asked when %s", (_name, claims, granted) => {
    const { mesh, pulls, requests } = taker();
    const neighbour = mesh.join("other", { lagMs: 100, ...claims });
    neighbour.granted.set(0, granted);
    pulls.test(at(1000));
    expect(requests().map(({ to }) => to)).not.toContain(neighbour.id);
  });

  test("is not asked by a seed, which others tell who gives", () => {
    const { pulls, requests } = taker("seed");
    pulls.test(at(1000));
    expect(requests()).toEqual([]);
  });
});
