import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { mediaFormat } from "./media-format.ts";

const SILENCE = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"];
const picture = (size: string, fps: string) => ["-f", "lavfi", "-i", `testsrc2=s=${size}:r=${fps}`];

/** What ffmpeg makes of a second of media. */
async function formatOf(...args: string[]) {
  const dir = await mkdtemp(join(tmpdir(), "format-"));
  try {
    const hls = ["-t", "1", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "2"];
    const names = ["-hls_segment_filename", "%d.m4s", "media.m3u8"];
    await promisify(execFile)("ffmpeg", [...args, ...hls, ...names], { cwd: dir });
    const [init, segment] = await Promise.all([
      readFile(join(dir, "init.mp4")),
      readFile(join(dir, "0.m4s")),
    ]);
    return { init, segment, format: mediaFormat(init, segment) };
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe("mediaFormat", () => {
  test("names H.264 and AAC with profile and level, the size and the rate of the picture", async () => {
    const video = ["-c:v", "libx264", "-profile:v", "high", "-level", "3.1", "-pix_fmt", "yuv420p"];
    const { format } = await formatOf(
      ...[...picture("640x360", "30000/1001"), ...SILENCE, ...video, "-c:a", "aac"],
    );
    expect(format).toEqual({
      codecs: "avc1.64001f,mp4a.40.2",
      widthPx: 640,
      heightPx: 360,
      fps: 29.97,
    });
  });

  test("tells of a picture as it is shown, whatever the shape of its pixels", async () => {
    const video = ["-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p"];
    const { format } = await formatOf(...picture("720x576", "25"), "-vf", "setsar=16/11", ...video);
    expect(format).toMatchObject({ widthPx: 1047, heightPx: 576, fps: 25 });
    expect(format?.codecs).toMatch(/^avc1\.42c0..$/);
  });

  test("names HEVC and AV1 as browsers know them", async () => {
    const hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1"];
    const quiet = ["-x265-params", "log-level=none"];
    const { format } = await formatOf(
      ...[...picture("320x180", "30"), ...hevc, ...quiet, "-pix_fmt", "yuv420p"],
    );
    expect(format?.codecs).toBe("hvc1.1.6.L60.90");
    const av1 = ["-c:v", "libsvtav1", "-preset", "12", "-pix_fmt", "yuv420p"];
    const other = await formatOf(...picture("320x180", "30"), ...av1);
    expect(other.format?.codecs).toMatch(/^av01\.0\.\d\dM\.08$/);
  });

  test("names sound alone", async () => {
    expect((await formatOf(...SILENCE, "-c:a", "aac")).format).toEqual({ codecs: "mp4a.40.2" });
  });

  test("says nothing of files that are cut short, wherever that is", async () => {
    const { init, segment } = await formatOf(...picture("160x90", "10"), "-c:v", "libx264");
    for (let length = 0; length < init.length; length++) {
      expect(mediaFormat(init.subarray(0, length), segment)?.codecs).toBeUndefined();
    }
    for (let length = 0; length < 200; length++) {
      expect(mediaFormat(init, segment.subarray(0, length))?.widthPx ?? 160).toBe(160);
    }
  });
});
