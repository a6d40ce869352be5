import { describe, expect, test } from "@jest/globals";
import type { BlockId } from "../core/index.ts";
import { ORPHAN_BYTES_MAX, ORPHANS_MAX } from "./limits.ts";
import { Orphans } from "./orphans.ts";
import { at, neighbourOf } from "./testing/test-state.ts";

const [ALICE, BOB] = [neighbourOf("alice"), neighbourOf("bob")];

function idOf(sequence: number): BlockId {
  return { rendition: 0, sequence, part: 0 };
}

function have(sequence: number) {
  return { type: "have", block: idOf(sequence), esis: [0] } as const;
}

function symbol(sequence: number, byteLength: number) {
  const bytes = new Uint8Array(byteLength);
  return { type: "symbol", block: idOf(sequence), esi: 0, bytes } as const;
}

describe("messages about an unknown block", () => {
  test("are given back once, in their order", () => {
    const orphans = new Orphans();
    orphans.add(at(0), ALICE, have(1));
    orphans.add(at(1), BOB, symbol(1, 100));
    orphans.add(at(1), BOB, have(2));
    expect(orphans.take("0:1:0").map(({ message }) => message.type)).toEqual(["have", "symbol"]);
    expect(orphans.take("0:1:0")).toEqual([]);
    expect(orphans.take("0:2:0").length).toBe(1);
  });

  test("are bounded by count, and there is room again when they go", () => {
    const orphans = new Orphans();
    for (let count = 0; count < 2 * ORPHANS_MAX; count++) orphans.add(at(0), ALICE, have(count));
    expect(orphans.take(`0:${ORPHANS_MAX - 1}:0`).length).toBe(1);
    expect(orphans.take(`0:${ORPHANS_MAX}:0`).length).toBe(0);
    orphans.add(at(0), ALICE, have(7777));
    expect(orphans.take("0:7777:0").length).toBe(1);
  });

  test("are bounded by bytes, and there is room again when they go", () => {
    const orphans = new Orphans();
    const half = ORPHAN_BYTES_MAX / 2;
    for (let count = 0; count < 3; count++) orphans.add(at(0), ALICE, symbol(count, half - 100));
    expect(orphans.take("0:2:0").length).toBe(0);
    orphans.lost(ALICE);
    orphans.add(at(0), BOB, symbol(3, 2 * half - 100));
    expect(orphans.take("0:3:0").length).toBe(1);
  });

  test("go with the neighbour that sent them", () => {
    const orphans = new Orphans();
    orphans.add(at(0), ALICE, have(1));
    orphans.add(at(0), BOB, have(1));
    orphans.add(at(0), ALICE, have(2));
    orphans.lost(ALICE);
    expect(orphans.take("0:1:0").map(({ neighbour }) => neighbour)).toEqual([BOB]);
    expect(orphans.take("0:2:0")).toEqual([]);
  });

  test("go after two seconds", () => {
    const orphans = new Orphans();
    orphans.add(at(0), ALICE, have(1));
    expect(orphans.due(at(2001), 60)).toEqual([]);
    expect(orphans.take("0:1:0")).toEqual([]);
  });
});

test("the manifest of an unknown block is asked for again and again", () => {
  const orphans = new Orphans();
  orphans.add(at(0), ALICE, have(1));
  orphans.add(at(0), BOB, have(1));
  orphans.add(at(0), ALICE, symbol(1, 100));
  const lacking = (asked: number) => [{ block: idOf(1), tellers: [ALICE, BOB], asked }];
  expect(orphans.due(at(59), 60)).toEqual([]);
  expect(orphans.due(at(60), 60)).toEqual(lacking(0));
  expect(orphans.due(at(359), 60)).toEqual([]);
  expect(orphans.due(at(360), 60)).toEqual(lacking(1));
});
