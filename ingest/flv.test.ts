import { describe, expect, test } from "@jest/globals";
import { fromHex, toHex } from "../core/index.ts";
import { FLV_TAG, flvHeader, flvTagBytes } from "./flv.ts";

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
