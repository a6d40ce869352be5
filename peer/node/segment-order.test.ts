import { beforeEach, describe, expect, test } from "@jest/globals";
import { INIT_PART, type InstantMs, instantMs, type Manifest, utf8 } from "../../core/index.ts";
import { SegmentOrder } from "./segment-order.ts";

const PATIENCE_MS = 1000;

function at(ms: number): InstantMs {
  return instantMs(1_800_000_000_000 + ms);
}

function manifestOf(sequence: number, part: number, session: string, init: number): Manifest {
  return {
    stream: "demo",
    session,
    block: { rendition: 0, sequence, part },
    last: true,
    discontinuity: 0,
    init: part === INIT_PART ? null : { sequence: init, sha256: `init of ${session}` },
    durationMs: 1000,
    programDateTimeMs: at(0),
    completedAtMs: at(0),
    byteLength: 1,
    sha256: part === INIT_PART ? `init of ${session}` : `media ${sequence}`,
    fec: { code: "leopard-gf8", k: 1, n: 2, symbolBytes: 64 },
    root: "",
    issuedAtS: 0,
    expiresAtS: 0,
  };
}

const partOf = (sequence: number, part: number, last = false) => ({
  ...manifestOf(sequence, part, "one", 0),
  last,
});
const media = (sequence: number, session = "one", init = 0) =>
  manifestOf(sequence, 0, session, init);
const initOf = (sequence = 0, session = "one") => manifestOf(sequence, INIT_PART, session, 0);

let order: SegmentOrder;
beforeEach(() => {
  order = new SegmentOrder(PATIENCE_MS);
});

const complete = (ms: number, ...manifests: Manifest[]): void => {
  for (const manifest of manifests) order.completed(at(ms), manifest, utf8("x"));
};
const played = (): (string | number)[] => {
  const story: (string | number)[] = [];
  for (let next = order.poll(); next !== undefined; next = order.poll()) {
    story.push(next.init ? `init ${next.sequence}` : next.sequence);
  }
  return story;
};

describe("SegmentOrder", () => {
  test("plays the init segment first, whichever comes first", () => {
    complete(0, media(5));
    expect(played()).toEqual([]);
    complete(10, initOf());
    expect(played()).toEqual(["init 0", 5]);
  });

  test("starts at the earliest segment that is announced", () => {
    order.announced(media(3));
    order.announced(media(4));
    complete(0, initOf(), media(4));
    expect(played()).toEqual([]);
    complete(10, media(3));
    expect(played()).toEqual(["init 0", 3, 4]);
  });

  test("plays in order what completes out of order, each once", () => {
    complete(0, initOf(), media(1), media(3), media(4), media(2), media(2), media(1));
    expect(played()).toEqual(["init 0", 1, 2, 3, 4]);
    expect(order.missing).toBe(0);
  });

  test("repeats the init segment at a new publish session only", () => {
    complete(0, initOf(), media(1), media(2), initOf(3, "two"), media(3, "two", 3));
    expect(played()).toEqual(["init 0", 1, 2, "init 3", 3]);
  });

  test("passes over a segment that was given up, at once when its turn has come", () => {
    complete(0, initOf(), media(1), media(4));
    order.lost(at(1), { rendition: 0, sequence: 3, part: 0 });
    expect(played()).toEqual(["init 0", 1]);
    order.lost(at(2), { rendition: 0, sequence: 2, part: 0 });
    expect(played()).toEqual([4]);
    expect(order.missing).toBe(2);
  });

  test("waits for a gap that nobody announced no longer than its patience", () => {
    complete(0, initOf(), media(1), media(3));
    expect(order.pollTimeout()).toBe(at(PATIENCE_MS));
    order.handleTimeout(at(PATIENCE_MS - 1));
    expect(played()).toEqual(["init 0", 1]);
    order.handleTimeout(at(PATIENCE_MS));
    expect(played()).toEqual([3]);
    expect(order.missing).toBe(1);
    expect(order.pollTimeout()).toBeUndefined();
  });

  test("does not play what comes after its turn", () => {
    complete(0, initOf(), media(1), media(3));
    order.handleTimeout(at(PATIENCE_MS));
    complete(PATIENCE_MS + 1, media(2), media(4));
    expect(played()).toEqual(["init 0", 1, 3, 4]);
    expect(order.missing).toBe(1);
  });

  test("passes over media whose init segment never comes", () => {
    complete(0, media(1));
    order.handleTimeout(at(PATIENCE_MS));
    complete(PATIENCE_MS + 1, initOf(2, "two"), media(2, "two", 2));
    expect(played()).toEqual(["init 2", 2]);
    expect(order.missing).toBe(1);
  });

  test("does not take the init segment of another digest", () => {
    complete(0, initOf(0, "other"), media(1));
    expect(played()).toEqual([]);
  });

  test("gives the delay behind the origin", () => {
    complete(250, initOf(), media(1));
    order.poll();
    expect(order.poll()?.delayMs).toBe(250);
  });

  test("holds no more than it may", () => {
    complete(0, initOf(), media(1));
    for (let sequence = 3; sequence < 80; sequence++) complete(1, media(sequence));
    expect(played().at(-1)).toBe(79);
    expect(order.missing).toBe(1);
  });
});

describe("SegmentOrder, of segments in parts", () => {
  test("plays a segment once all of its parts have come, put together in their order", () => {
    const texts = ["one ", "two ", "three"];
    complete(0, initOf());
    for (const part of [2, 0, 1]) {
      expect(played()).toEqual([]);
      order.completed(at(0), partOf(1, part, part === 2), utf8(texts[part] ?? ""));
    }
    order.poll();
    const segment = order.poll();
    expect(new TextDecoder().decode(segment?.bytes)).toBe("one two three");
    expect(segment?.manifests.map(({ block }) => block.part)).toEqual([0, 1, 2]);
  });

  test("does not wait for a segment of which only later parts are announced", () => {
    for (const part of [1, 2]) order.announced(partOf(1, part, part === 2));
    order.announced(media(2));
    complete(0, initOf(), partOf(1, 1), partOf(1, 2, true), media(2));
    expect(played()).toEqual(["init 0", 2]);
  });

  test("passes over a segment of which one part was given up", () => {
    complete(0, initOf(), media(1), partOf(2, 0), media(3));
    order.lost(at(1), { rendition: 0, sequence: 2, part: 1 });
    complete(2, partOf(2, 2, true));
    expect(played()).toEqual(["init 0", 1, 3]);
    expect(order.missing).toBe(1);
  });

  test("keeps the parts of the newest segments when too many wait", () => {
    complete(0, initOf(), media(1));
    for (let sequence = 2; sequence < 82; sequence++) complete(1, partOf(sequence, 0));
    complete(2, partOf(81, 1, true), partOf(2, 1, true));
    order.handleTimeout(at(2 + PATIENCE_MS));
    expect(played()).toEqual(["init 0", 1, 81]);
  });
});
