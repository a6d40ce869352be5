import { describe, expect, test } from "@jest/globals";
import { INIT_PART, toHex } from "../core/index.ts";
import { SegmentStore } from "./segment-store.ts";
import { sampleManifest } from "./testing/sample-manifest.ts";

const part = (sequence: number, number: number, last: boolean) =>
  sampleManifest(sequence, { block: { rendition: 0, sequence, part: number }, last });

describe("SegmentStore", () => {
  test("tells how long a segment took from its manifest to its last byte", () => {
    const store = new SegmentStore(1e6);
    store.announced(1000, sampleManifest(7));
    const segment = store.completed(1250, {
      manifest: sampleManifest(7),
      bytes: Uint8Array.of(1, 2),
    });
    expect(segment).toMatchObject({ sequence: 7, transferMs: 250 });
    expect(store.segment(7)).toBe(segment);
  });

  test("takes the word of the mesh for the time that a segment was on its way", () => {
    const store = new SegmentStore(1e6);
    for (const number of [0, 1]) store.announced(1000, part(7, number, number === 1));
    for (const number of [0, 1]) {
      const manifest = part(7, number, number === 1);
      store.completed(1900, { manifest, bytes: Uint8Array.of(1), transferMs: 40 });
    }
    expect(store.segment(7)?.transferMs).toBe(80);
  });

  test("puts a segment together from its parts, in whatever order they come", () => {
    const store = new SegmentStore(1e6);
    expect(
      store.completed(0, { manifest: part(3, 1, true), bytes: Uint8Array.of(3) }),
    ).toBeUndefined();
    expect(store.segment(3)).toBeUndefined();
    const segment = store.completed(0, { manifest: part(3, 0, false), bytes: Uint8Array.of(1, 2) });
    expect(toHex(segment?.bytes ?? new Uint8Array())).toBe("010203");
  });

  test("waits for what was announced or is newer, and not for what was given up or is older", () => {
    const store = new SegmentStore(1e6);
    expect(store.isComing(10)).toBe(false);
    store.announced(0, sampleManifest(10));
    expect([9, 10, 11].map((sequence) => store.isComing(sequence))).toEqual([false, true, true]);
    store.lost({ rendition: 0, sequence: 10, part: 0 });
    expect([10, 11].map((sequence) => store.isComing(sequence))).toEqual([false, true]);
    store.completed(0, { manifest: sampleManifest(11), bytes: Uint8Array.of(1) });
    expect(store.isComing(11)).toBe(false);
  });

  test("wants a segment of one block whose manifest is known, until it is here", () => {
    const store = new SegmentStore(1e6);
    store.announced(0, sampleManifest(1));
    store.announced(0, part(2, 0, false));
    expect([0, 1, 2].map((sequence) => store.wanted(sequence)?.block.sequence)).toEqual([
      undefined,
      1,
      undefined,
    ]);
    store.completed(0, { manifest: sampleManifest(1), bytes: Uint8Array.of(1) });
    expect(store.wanted(1)).toBeUndefined();
  });

  test("holds no more bytes and segments than it may, and the newest ones", () => {
    const store = new SegmentStore(5000);
    for (let sequence = 0; sequence < 20; sequence++) {
      store.completed(0, { manifest: sampleManifest(sequence), bytes: new Uint8Array(1000) });
    }
    const held = Array.from({ length: 20 }, (_, sequence) => sequence).filter(
      (sequence) => store.segment(sequence) !== undefined,
    );
    expect(held).toEqual([15, 16, 17, 18, 19]);
  });

  test("keeps init segments by their numbers", () => {
    const store = new SegmentStore(1e6);
    const block = { rendition: 0, sequence: 5, part: INIT_PART };
    store.completed(0, {
      manifest: sampleManifest(5, { block, init: null }),
      bytes: Uint8Array.of(9),
    });
    expect(toHex(store.init(5) ?? new Uint8Array())).toBe("09");
    expect(store.segment(5)).toBeUndefined();
  });
});
