import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { fromHex } from "../core/index.ts";
import { FLV_TAG } from "./flv.ts";
import { TestOrigin } from "./test-origin.ts";
import { isEmptyHeader, TrackHeaders } from "./track-headers.ts";

const audio = (hex: string) => ({
  type: FLV_TAG.audio,
  timestampMs: 0,
  payload: fromHex(hex),
});

describe("the headers of a broadcast", () => {
  test("are another when one of them says something else", () => {
    const headers = new TrackHeaders();
    expect(headers.push(audio("af001190"))).toBe(false);
    expect(headers.push(audio("af001190"))).toBe(false);
    expect(headers.push(audio("af01ee"))).toBe(false);
    expect(headers.push(audio("af001210"))).toBe(true);
  });

  test.each([
    ["af00", true],
    ["af001190", false],
    ["af01", false],
    ["2f00", false],
  ])("of the sound, %s, are empty: %s", (hex, expected) => {
    expect(isEmptyHeader(audio(hex))).toBe(expected);
  });
});

describe("a broadcast of MPEG-TS, whose picture comes before its sound,", () => {
  let folder: string;
  let origin: TestOrigin;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "headers-"));
    origin = await TestOrigin.start();
  });
  afterAll(async () => {
    await origin.stop();
    await rm(folder, { recursive: true });
  });

  test("is one run of ffmpeg", async () => {
    const file = join(folder, "late-sound.ts");
    await promisify(execFile)("ffmpeg", [
      ...["-nostdin", "-loglevel", "error", "-t", "6", "-f", "lavfi", "-i", "testsrc2=160x90:r=25"],
      ...["-t", "5", "-itsoffset", "0.5", "-f", "lavfi", "-i", "sine=sample_rate=48000"],
      ...[
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
        "-c:a",
        "aac",
        "-f",
        "mpegts",
        file,
      ],
    ]);
    await origin.ingest();
    const url = await origin.addressOf("late");
    origin.run([
      "-nostdin",
      "-loglevel",
      "error",
      "-re",
      "-i",
      file,
      "-c",
      "copy",
      "-f",
      "flv",
      url,
    ]);
    const segments = await origin.segments("late", 4);
    expect(new Set(segments.map(({ session }) => session)).size).toBe(1);
    expect(segments[0]?.durationMs).toBeGreaterThan(900);
  }, 30_000);
});
