import { describe, expect, test } from "@jest/globals";
import { audienceText, bitrateText, latencyText, MediaBitrate, resolutionText } from "./readout.ts";

describe("the readouts", () => {
  test("show a dash for what is not known yet", () => {
    expect([latencyText(undefined), latencyText(Number.NaN), latencyText(-1)]).toEqual([
      "–",
      "–",
      "–",
    ]);
    expect([resolutionText(0, 0), bitrateText(undefined), bitrateText(0)]).toEqual(["–", "–", "–"]);
  });

  test("carry units and no false precision", () => {
    expect([latencyText(3.21), latencyText(12.7)]).toEqual(["3.2 s", "13 s"]);
    expect([bitrateText(640_400), bitrateText(2_449_000)]).toEqual(["640 kb/s", "2.4 Mb/s"]);
    expect([resolutionText(1280, 720), resolutionText(1080, 1920)]).toEqual([
      "720p",
      "1080 × 1920",
    ]);
    expect([audienceText(0), audienceText(1), audienceText(1234)]).toEqual([
      "",
      "1 viewer",
      "1,234 viewers",
    ]);
  });

  test("take the bitrate from the newest segments only", () => {
    const bitrate = new MediaBitrate();
    expect(bitrate.bitsPerS).toBeUndefined();
    bitrate.add(9_000_000, 1);
    for (let segment = 0; segment < 8; segment += 1) bitrate.add(250_000, 1);
    expect(bitrate.bitsPerS).toBe(2_000_000);
  });

  test("leave out a segment without duration", () => {
    const bitrate = new MediaBitrate();
    bitrate.add(1000, 0);
    expect(bitrate.bitsPerS).toBeUndefined();
  });
});
