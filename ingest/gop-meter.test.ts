import { describe, expect, test } from "@jest/globals";
import { fromHex } from "../core/index.ts";
import { FLV_TAG, type FlvTag } from "./flv.ts";
import { GopMeter } from "./gop-meter.ts";

const frame = (hex: string, timestampMs: number): FlvTag => ({
  type: FLV_TAG.video,
  timestampMs,
  payload: fromHex(hex),
});
const HEADER = "1700";
const KEY = "1701";
const DELTA = "2701";

function gopOf(...tags: readonly FlvTag[]): number {
  const meter = new GopMeter();
  for (const tag of tags) meter.push(tag);
  return meter.gopS;
}

describe("the key frame distance", () => {
  test("is the time between key frames, headers not counted", () => {
    const tags = [frame(HEADER, 0), frame(KEY, 0), frame(DELTA, 40), frame(HEADER, 80)];
    expect(gopOf(...tags, frame(KEY, 2000))).toBe(2);
  });

  test("is noticed before the next key frame comes", () => {
    expect(gopOf(frame(KEY, 0), frame(KEY, 1000), frame(DELTA, 4500))).toBe(3.5);
  });

  test("becomes short again when the encoder is set right", () => {
    expect(gopOf(frame(KEY, 0), frame(KEY, 8000), frame(KEY, 9000))).toBe(1);
  });

  test("is measured in enhanced RTMP too", () => {
    expect(gopOf(frame("9068766331", 0), frame("9168766331", 0), frame("9368766331", 1500))).toBe(
      1.5,
    );
  });
});
