import { describe, expect, test } from "@jest/globals";
import { readableMessage } from "./ffmpeg-messages.ts";
import { ProgressReader } from "./ffmpeg-progress.ts";
import { parseFfmpegVersion } from "./ffmpeg-version.ts";

describe("ffmpeg's messages", () => {
  test.each([
    ["[hls @ 0x55d0c0] [error] Failed to open file '000000003.m4s.tmp'", "error", "segment file"],
    ["av_interleaved_write_frame(): No space left on device", "error", "The disk is full"],
    ["[flv @ 0x5b] [error] Video codec (c) is not implemented.", "error", "H.264 and AAC"],
    ["[mp4 @ 0x7f] [warning] Non-monotonous DTS in output stream 0:0", "warn", "timestamps jump"],
    ["[mp4 @ 0x7f] [warning] Packet duration: -2 / dts: 5 is out of range", "debug", "coarse"],
    ["[h264 @ 0x1] [error] error while decoding MB 12 4", "warn", "damaged"],
  ])("%s", (line, level, words) => {
    const message = readableMessage(line);
    expect(message.level).toBe(level);
    expect(message.text).toContain(words);
  });

  test("that are not known are passed on as they are, with their level", () => {
    expect(readableMessage("[hls @ 0x1] [warning] Something new")).toEqual({
      level: "warn",
      text: "Something new",
      isKnown: false,
    });
    expect(readableMessage("no level at all")).toEqual({
      level: "error",
      text: "no level at all",
      isKnown: false,
    });
  });
});

describe("ffmpeg's progress", () => {
  test("is read from the lines between two progress lines", () => {
    const reader = new ProgressReader();
    const lines = [
      "frame=30",
      "fps=29.97",
      "out_time_us=1001000",
      "speed=1.01x",
      "progress=continue",
    ];
    expect(lines.map((line) => reader.push(line)).at(-1)).toEqual({
      outTimeMs: 1001,
      fps: 29.97,
      speed: 1.01,
    });
  });

  test("of a stream without video has no frames and still a time", () => {
    const reader = new ProgressReader();
    reader.push("out_time_us=500000");
    reader.push("speed=N/A");
    expect(reader.push("progress=end")).toEqual({
      outTimeMs: 500,
      fps: undefined,
      speed: undefined,
    });
  });
});

describe("ffmpeg's version", () => {
  test.each([
    ["ffmpeg version 5.1.9-0+deb12u1 Copyright (c)", false],
    ["ffmpeg version 6.0 Copyright", false],
    ["ffmpeg version n6.1.1 Copyright", true],
    ["ffmpeg version 8.0.1-essentials Copyright", true],
    ["ffmpeg version N-112233-gabcdef Copyright", true],
  ])("%s tells whether it reads enhanced RTMP", (text, readsEnhancedFlv) => {
    expect(parseFfmpegVersion(text)).toMatchObject({ readsEnhancedFlv });
  });
});
