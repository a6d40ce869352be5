import { execFile } from "node:child_process";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Recording, Recordings, thumbnailPath } from "../pipeline/index.ts";
import { TestOrigin, until } from "./test-origin.ts";

let origin: TestOrigin;
let recordings: Recordings;
beforeAll(async () => {
  origin = await TestOrigin.start();
  recordings = new Recordings(origin.mediaRoot);
  await origin.ingest({ recordingPauseMs: 6000, thumbnailIntervalMs: 1000 });
});
afterEach(() => origin.endPublishers());
afterAll(() => origin.stop());

/** The recording of a stream, once it can be downloaded. */
async function recordingOf(stream: string): Promise<Recording> {
  let found: Recording | undefined;
  await until(async () => {
    [found] = await recordings.list(stream);
    return found?.downloads.some(({ name }) => name === "recording.mp4") === true;
  });
  if (found === undefined) throw new Error("until() has waited for it");
  return found;
}

async function probe(file: string): Promise<{ durationS: number; frames: number; dts: number[] }> {
  const entries = "format=duration:stream=codec_type,nb_frames:packet=stream_index,dts_time";
  const args = [
    "-v",
    "error",
    "-select_streams",
    "v",
    "-show_entries",
    entries,
    "-of",
    "json",
    file,
  ];
  const { stdout } = await promisify(execFile)("ffprobe", args, { maxBuffer: 1 << 24 });
  const { format, streams, packets } = JSON.parse(stdout);
  return {
    durationS: Number(format.duration),
    frames: Number(streams[0].nb_frames),
    dts: packets.map((packet: { dts_time: string }) => Number(packet.dts_time)),
  };
}

const playlistOf = ({ path }: Recording) => readFile(join(path, Recordings.PLAYLIST), "utf8");

describe("a stream that is recorded", () => {
  test("is a playlist with an end and one MP4 afterwards, though its segments were deleted", async () => {
    const url = await origin.addressOf("kept");
    await origin.registry.update("kept", { recording: true });
    const publisher = origin.publish(url);
    await origin.segments("kept", 3);
    const [open] = await recordings.list("kept");
    expect([open?.isOpen, open?.downloads]).toEqual([true, []]);
    publisher.child.kill("SIGINT");
    await origin.logged("publish session over");
    await rm(join(origin.mediaRoot, "kept"), { recursive: true });
    const recording = await recordingOf("kept");
    const playlist = await playlistOf(recording);
    const segments = playlist.match(/^0-\d{9}\.m4s$/gm) ?? [];
    expect(segments[0]).toBe("0-000000000.m4s");
    expect(playlist.match(/^#EXT-X-ENDLIST$/gm)).toHaveLength(1);
    expect(playlist.match(/^#EXT-X-(MAP|DISCONTINUITY).*$/gm)).toEqual([
      '#EXT-X-MAP:URI="0-init.mp4"',
    ]);
    const { durationS, frames, dts } = await probe(join(recording.path, "recording.mp4"));
    expect(durationS).toBeCloseTo(recording.durationMs / 1000, 0);
    expect(frames).toBeGreaterThan(25 * (segments.length - 1));
    expect(dts.every((time, index) => index === 0 || time - (dts[index - 1] ?? 0) < 0.1)).toBe(
      true,
    );
  }, 60_000);

  test("goes on in the same recording when the broadcaster comes back, with another picture in a file of its own", async () => {
    const url = await origin.addressOf("back");
    await origin.registry.update("back", { recording: true });
    for (const [session, picture] of [{}, {}, { widthPx: 320, heightPx: 180 }].entries()) {
      origin.publish(url, picture);
      await until(async () => {
        const records = await origin.timeline.window("back", 0, 1000);
        const last = records.filter((one) => one.discontinuity === session);
        return last.length >= 2;
      });
      await origin.endPublishers();
    }
    const recording = await recordingOf("back");
    const playlist = await playlistOf(recording);
    expect(playlist.match(/^#EXT-X-DISCONTINUITY$/gm)).toHaveLength(2);
    expect(recording.downloads.map(({ name }) => name).sort()).toEqual([
      "recording-2.mp4",
      "recording.mp4",
    ]);
    const both = await probe(join(recording.path, "recording.mp4"));
    const third = await probe(join(recording.path, "recording-2.mp4"));
    expect(both.dts).toEqual(both.dts.toSorted((a, b) => a - b));
    expect(both.durationS + third.durationS).toBeCloseTo(recording.durationMs / 1000, 0);
  }, 60_000);

  test("is completed by the next process when the ingest ends, and only then", async () => {
    const url = await origin.addressOf("crash");
    await origin.registry.update("crash", { recording: true });
    origin.publish(url);
    await origin.segments("crash", 2);
    await origin.ingest({ recordingPauseMs: 1000 });
    const recording = await recordingOf("crash");
    expect(await playlistOf(recording)).toContain("#EXT-X-ENDLIST");
  }, 60_000);
});

test("A stream that is not to be recorded leaves nothing but a small picture", async () => {
  await origin.ingest({ thumbnailIntervalMs: 1000 });
  origin.publish(await origin.addressOf("plain"));
  const path = thumbnailPath(origin.mediaRoot, "plain");
  await until(() =>
    stat(path).then(
      () => true,
      () => false,
    ),
  );
  const bytes = await readFile(path);
  expect(bytes.subarray(0, 2).toString("hex")).toBe("ffd8");
  expect(await recordings.list("plain")).toEqual([]);
}, 30_000);
