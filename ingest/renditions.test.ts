import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { concatBytes, INIT_PART } from "../core/index.ts";
import type { SegmentRecord } from "../pipeline/index.ts";
import { TestOrigin } from "./test-origin.ts";

/** Key frames of the source are never where a segment may begin. */
const PICTURE = { widthPx: 640, heightPx: 360, fps: 25, gopS: 2.92, videoKbps: 600 };

let origin: TestOrigin;
beforeAll(async () => {
  origin = await TestOrigin.start();
});
afterEach(async () => {
  await origin.endPublishers();
  origin.captured.forget();
});
afterAll(() => origin.stop());

async function publish(stream: string, renditions: string, isEncrypted = false) {
  await origin.registry.create({ id: stream, renditions, isEncrypted });
  return origin.publish(await origin.addressOf(stream), PICTURE);
}

/** The times of the pictures in a segment, in seconds, of the first one and of the last. */
async function timesOf(segment: SegmentRecord, init: string): Promise<string[]> {
  const bytes = await Promise.all(
    [init, segment.path].map((path) => readFile(join(origin.mediaRoot, path))),
  );
  const probe = promisify(execFile)("ffprobe", [
    ...["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"],
    ...["-of", "csv=p=0", "-i", "pipe:0"],
  ]);
  probe.child.stdin?.end(concatBytes(...bytes));
  const lines = (await probe).stdout.trim().split("\n");
  return [lines.at(0) ?? "", lines.at(-1) ?? ""];
}

describe("a stream with a ladder", () => {
  test("is cut at the same pictures in all renditions, and each says what it is", async () => {
    await origin.ingest();
    await publish("rungs", "360p@600,240p,144p,audio");
    await origin.segments("rungs", 4);
    const windows = await Promise.all(
      [0, 1, 2, 3].map((rendition) => origin.timeline.window("rungs", rendition, 4)),
    );
    const formats = [];
    const boundaries: string[][][] = [];
    for (const [rendition, window] of windows.entries()) {
      const [first] = window;
      const init = await origin.timeline.get("rungs", { rendition, sequence: 0, part: INIT_PART });
      expect(window.every(({ block }) => block.rendition === rendition)).toBe(true);
      expect(first?.init?.sequence).toBe(0);
      formats.push(init?.format);
      if (rendition === 3) continue;
      boundaries.push(
        await Promise.all(window.map((segment) => timesOf(segment, init?.path ?? ""))),
      );
    }
    expect(formats).toEqual([
      { codecs: "avc1.64001e,mp4a.40.2", widthPx: 640, heightPx: 360, fps: 25 },
      { codecs: "avc1.640015,mp4a.40.2", widthPx: 426, heightPx: 240, fps: 25 },
      { codecs: "avc1.64000c,mp4a.40.2", widthPx: 256, heightPx: 144, fps: 25 },
      { codecs: "mp4a.40.2" },
    ]);
    const [best, ...others] = boundaries;
    expect(best?.every(([first]) => first?.endsWith(",K_"))).toBe(true);
    for (const other of others) expect(other).toEqual(best);
    expect(windows.map((window) => window.map(({ block }) => block.sequence))).toEqual(
      windows.map(() => windows[0]?.map(({ block }) => block.sequence)),
    );
  });

  test.each([
    ["again", false, "m4s"],
    ["hidden", true, "enc"],
  ])(
    "is found again after a restart, and goes with all of its files: %s",
    async (stream, isEncrypted, ending) => {
      await origin.ingest();
      const publisher = await publish(stream, "240p,144p", isEncrypted);
      await origin.segments(stream, 2);
      publisher.child.kill("SIGINT");
      await publisher.exited;
      await origin.ingest();
      const records = await origin.timeline.window(stream, 1, 100);
      expect(records.every(({ path }) => path.endsWith(`-1.${ending}`))).toBe(true);
      await origin.ingest();
      expect(await origin.timeline.window(stream, 1, 100)).toEqual(records);
      await origin.registry.delete(stream);
      await origin.ingest(); // It trims at its start.
      expect(await readdir(origin.mediaRoot)).not.toContain(stream);
    },
  );

  test("goes out as it comes in when the machine has no cores left for it, and says so", async () => {
    const ingest = await origin.ingest({ ladderCores: 0.01 });
    await publish("much", "ladder");
    await origin.segments("much", 1);
    const [publisher] = ingest.status().publishers;
    expect(publisher).toMatchObject({ ladder: null });
    expect(publisher?.ladderRefusal).toMatch(
      /It takes about 0\.1 cores, and 0\.0 of 0\.0 are left/,
    );
    expect(await origin.timeline.renditions("much")).toBe(1);
    await origin.logged("without its ladder");
  });
});

describe("the encoder of a ladder", () => {
  test("is the one that the operator names", async () => {
    const ingest = await origin.ingest({
      renditions: [{ kind: "video", heightPx: 144, kbps: undefined }],
      videoEncoder: "libx264",
      videoEncoderArgs: "-preset ultrafast -profile:v baseline -pix_fmt yuv420p -sc_threshold 0",
    });
    origin.publish(await origin.addressOf("own"), PICTURE);
    await origin.segments("own", 1);
    const init = { rendition: 0, sequence: 0, part: INIT_PART };
    const codecs = (await origin.timeline.get("own", init))?.format?.codecs;
    expect(codecs).toMatch(/^avc1\.42c0/);
    expect(ingest.status().publishers[0]?.ladder).toBe("144p");
    expect(ingest.status().ladderCores.taken).toBeGreaterThan(0);
  });

  test.each([
    ["h264_imaginary", 'no video encoder "h264_imaginary". Of H.264 it has libx264'],
    ["h264_nvenc", '"h264_nvenc" does not work here'],
  ])("is tried before anything begins: %s", async (videoEncoder, words) => {
    await expect(origin.ingest({ videoEncoder })).rejects.toThrow(words);
  });
});
