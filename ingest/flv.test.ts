import { describe, expect, test } from "@jest/globals";
import { concatBytes, fromHex, toHex } from "../core/index.ts";
import { FLV_TAG, type FlvTag, flvHeader, flvTagBytes } from "./flv.ts";
import { FLV_TAG_BYTES_MAX, FlvReader } from "./flv-reader.ts";

describe("FLV", () => {
  test("begins with a header that announces the tracks", () => {
    expect(toHex(flvHeader({ video: true, audio: true }))).toBe("464c5601050000000900000000");
    expect(toHex(flvHeader({ video: false, audio: true }))).toBe("464c5601040000000900000000");
  });

  test("puts the upper byte of a timestamp behind the lower three", () => {
    const tag = { type: FLV_TAG.audio, timestampMs: 0x81_23_45_67, payload: fromHex("af01ee") };
    expect(toHex(flvTagBytes(tag))).toBe(
      `08 000003 234567 81 000000 af01ee 0000000e`.replaceAll(" ", ""),
    );
  });
});

test("what is written is read again, however it is cut", () => {
  const tags: FlvTag[] = [
    { type: FLV_TAG.script, timestampMs: 0, payload: Uint8Array.of(2) },
    { type: FLV_TAG.video, timestampMs: 0xff_ff_ff_ff, payload: new Uint8Array(300).fill(7) },
    { type: FLV_TAG.audio, timestampMs: 0x1_23_45_67, payload: new Uint8Array(0) },
  ];
  const bytes = concatBytes(flvHeader({ video: true, audio: true }), ...tags.map(flvTagBytes));
  for (const step of [1, 7, bytes.length]) {
    const reader = new FlvReader();
    const read: FlvTag[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      reader.push(bytes.subarray(at, at + step));
      for (let tag = reader.next(); tag !== undefined; tag = reader.next()) read.push(tag);
    }
    expect(read).toEqual(tags);
  }
});

test("a tag larger than any picture is refused before it is held", () => {
  const reader = new FlvReader();
  const header = flvTagBytes({ type: FLV_TAG.video, timestampMs: 0, payload: new Uint8Array(0) });
  header.set([(FLV_TAG_BYTES_MAX >> 16) + 1, 0, 0], 1);
  reader.push(concatBytes(flvHeader({ video: true, audio: true }), header));
  expect(() => reader.next()).toThrow("no picture");
});
