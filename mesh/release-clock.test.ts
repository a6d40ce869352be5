import { describe, expect, test } from "@jest/globals";
import type { Manifest } from "../core/index.ts";
import { ReleaseClock } from "./release-clock.ts";
import { at, TestState } from "./testing/test-state.ts";

/** Blocks are released so long after they are complete. */
const OFFSET_MS = 100;
const HALF_TRIP_MS = 50;

describe("a release clock", () => {
  const { manifest } = new TestState("viewer").addBlock(0, "published");

  function clock(...names: readonly string[]) {
    const own = new TestState("viewer");
    const neighbours = names.map((name) => own.join(name));
    return { releases: new ReleaseClock(own.state), neighbours };
  }

  /** The manifest of a block that is released at `ms`. */
  function released(ms: number): Manifest {
    return { ...manifest, completedAtMs: at(ms - OFFSET_MS) };
  }

  test("believes the first neighbour", () => {
    const { releases, neighbours } = clock("a");
    const [a] = neighbours;
    if (a === undefined) throw new Error("a neighbour is there");
    expect(releases.told(at(400), a, released(0), 400 - HALF_TRIP_MS)).toBe(at(0));
  });

  test("bounds what one of three makes older, and takes what one makes younger", () => {
    const { releases, neighbours } = clock("a", "b", "liar");
    for (const neighbour of neighbours) releases.told(at(200), neighbour, released(0), 150);
    const liar = neighbours[2];
    if (liar === undefined) throw new Error("a neighbour is there");
    expect(releases.told(at(1200), liar, released(1000), 150)).toBe(at(1000));
    expect(releases.told(at(2200), liar, released(2000), 9000)).toBe(at(1500));
    expect(releases.told(at(3200), liar, released(3000), 0)).toBe(at(3150));
    expect(releases.told(at(20_000), liar, released(3000), 0)).toBe(at(3000 + 4000));
  });

  test("asks neighbours that have not told until three have, and again after half a minute", () => {
    const { releases, neighbours } = clock("a", "b", "c", "d");
    const told = new Set<unknown>();
    for (let count = 0; count < 3; count++) {
      const witness = releases.toAsk(at(200));
      if (witness === undefined) throw new Error("somebody is asked");
      told.add(witness);
      releases.told(at(200), witness, released(0), 150);
    }
    expect(told.size).toBe(3);
    expect(releases.toAsk(at(30_000))).toBe(undefined);
    expect(neighbours).toContain(releases.toAsk(at(30_300)));
  });
});
