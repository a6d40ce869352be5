import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { FLV_TAG, type FlvTag } from "./flv.ts";
import { isKeyFrame } from "./flv-video.ts";
import type { Ingest } from "./ingest.ts";
import { recordedTags } from "./recorded-tags.ts";
import {
  clientHandshake,
  clientPublish,
  clientTag,
  ScriptedPublisher,
} from "./rtmp/scripted-publisher.ts";
import { TestOrigin, until } from "./test-origin.ts";

/** Bytes that may be on their way to an ffmpeg that reads nothing: the kernel's buffers and ours. */
const TAKEN_BYTES_MAX = 24 << 20;

let origin: TestOrigin;
let ingest: Ingest;
let tags: FlvTag[];
let streams = 0;
beforeAll(async () => {
  origin = await TestOrigin.start();
  tags = await recordedTags({ seconds: 6 });
  ingest = await origin.ingest({
    ...{ handshakeTimeoutMs: 3000, firstPacketTimeoutMs: 3000, silenceTimeoutMs: 5000 },
    ...{ keyFrameTimeoutMs: 2000, bitrateMaxKbps: 20_000 },
  });
  origin.publish(await origin.addressOf("honest"));
  await origin.segments("honest", 2);
}, 30_000);
afterEach(async () => {
  // Whatever was done to the origin, its honest publisher is still there and has lost nothing.
  expect(ingest.status().publishers.map(({ stream }) => stream)).toContain("honest");
  const records = await origin.timeline.window("honest", 0, 1000);
  expect(records.map(({ discontinuity }) => discontinuity)).toEqual(records.map(() => 0));
  const newest = records.at(-1);
  await until(async () => {
    const [newer] = await origin.timeline.window("honest", 0, 1);
    return (newer?.block.sequence ?? 0) > (newest?.block.sequence ?? 0);
  });
  const mediaMs = records.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const spanMs = (newest?.programDateTimeMs ?? 0) - (records[0]?.programDateTimeMs ?? 0);
  expect(mediaMs - spanMs).toBeCloseTo(newest?.durationMs ?? 0, -2);
}, 30_000);
afterAll(() => origin.stop());

/** A publisher that has been let in, and its stream. */
async function letIn(): Promise<{ publisher: ScriptedPublisher; stream: string }> {
  streams += 1;
  const stream = `bad-${streams}`;
  const { streamKey } = await origin.registry.create({ id: stream });
  const publisher = await ScriptedPublisher.connect(ingest.rtmpPort);
  publisher.send(clientHandshake(), clientPublish(streamKey));
  await publisher.status("NetStream.Publish.Start");
  return { publisher, stream };
}

const windowOf = (stream: string) => origin.timeline.window(stream, 0, 1000);
const refusalOf = (stream: string) =>
  ingest.status().refusals.find((refusal) => refusal.stream === stream);

describe("a publisher that", () => {
  test("is let in and sends nothing is let go", async () => {
    const { publisher } = await letIn();
    await publisher.closed;
    await origin.logged("No audio or video came within 3 s");
  });

  test("freezes in the middle of a message is let go", async () => {
    const { publisher, stream } = await letIn();
    publisher.send(
      ...tags.slice(0, 60).map(clientTag),
      clientTag(tags[60] ?? (tags[0] as FlvTag)).subarray(0, 20),
    );
    await publisher.closed;
    await origin.logged("No audio or video for 5 s.");
    await until(async () => !ingest.status().publishers.some((one) => one.stream === stream));
  });

  test("sends noise once it is in is let go", async () => {
    const { publisher } = await letIn();
    for (let times = 0; times < 50 && publisher.socket.writable; times++) {
      publisher.send(randomBytes(10_000));
    }
    await publisher.closed;
  });

  test("sends noise in well-formed tags is let go, and is told why", async () => {
    const { publisher, stream } = await letIn();
    const [header] = tags.filter(({ type }) => type === FLV_TAG.video);
    if (header !== undefined) publisher.send(clientTag(header));
    const send = setInterval(() => {
      const payload = Uint8Array.of(0x17, 1, 0, 0, 0, ...randomBytes(500));
      publisher.send(
        clientTag({ type: FLV_TAG.video, timestampMs: Math.round(performance.now()), payload }),
      );
    }, 40);
    await publisher.closed;
    clearInterval(send);
    expect(refusalOf(stream)).toMatchObject({
      code: "ffmpeg-failed",
      message: expect.stringContaining("did not describe its picture"),
    });
  }, 60_000);
});

describe("a publisher of media that", () => {
  test("never sends a key frame is let go, and is told why", async () => {
    const { publisher, stream } = await letIn();
    const deltas = tags.filter(
      ({ type, payload }) => type === FLV_TAG.video && !isKeyFrame(payload),
    );
    let at = 0;
    const send = setInterval(() => {
      const tag = deltas[at % deltas.length];
      at += 1;
      if (tag !== undefined) publisher.send(clientTag({ ...tag, timestampMs: at * 40 }));
    }, 40);
    await publisher.closed;
    clearInterval(send);
    expect(refusalOf(stream)).toMatchObject({ code: "publisher-keyframes" });
  });

  test("sends a hundred times the bitrate is let go, and is told why", async () => {
    const { publisher, stream } = await letIn();
    for (const tag of tags) publisher.send(clientTag(tag));
    const last = tags.at(-1)?.timestampMs ?? 0;
    const payload = Uint8Array.of(0x27, 1, 0, 0, 0, ...randomBytes(100_000));
    for (let at = 1; !publisher.socket.destroyed && at < 1000; at++) {
      publisher.send(clientTag({ type: FLV_TAG.video, timestampMs: last + at * 40, payload }));
      if (publisher.socket.writableNeedDrain) {
        await Promise.race([once(publisher.socket, "drain"), publisher.closed]);
      }
    }
    await publisher.closed;
    await until(async () => !ingest.status().publishers.some((one) => one.stream === stream));
    expect(refusalOf(stream)).toMatchObject({ code: "publisher-bitrate" });
  });

  test("sends more than ffmpeg reads is held back, and takes no memory", async () => {
    const { publisher, stream } = await letIn();
    for (const tag of tags) publisher.send(clientTag(tag));
    await until(async () => (await windowOf(stream)).length > 0);
    const { stdout } = await promisify(execFile)("pgrep", [
      "-P",
      `${process.pid}`,
      "-n",
      "-f",
      "pipe:0",
    ]);
    const ffmpeg = Number(stdout.trim());
    process.kill(ffmpeg, "SIGSTOP");
    const last = tags.at(-1)?.timestampMs ?? 0;
    const payload = Uint8Array.of(0x27, 1, 0, 0, 0, ...randomBytes(20_000));
    let sentBytes = 0;
    for (let at = 1; at < 4000 && !publisher.socket.writableNeedDrain; at++) {
      publisher.send(clientTag({ type: FLV_TAG.video, timestampMs: last + at * 5, payload }));
      await new Promise((resolve) => setImmediate(resolve));
      sentBytes += payload.length;
    }
    expect(publisher.socket.writableNeedDrain).toBe(true);
    expect(sentBytes).toBeLessThan(TAKEN_BYTES_MAX);
    process.kill(ffmpeg, "SIGCONT");
    publisher.socket.destroy();
  });

  test("lets its timestamps leap is cut anew, in segments of the usual length", async () => {
    const { publisher, stream } = await letIn();
    for (const [index, leapMs] of [0, 3_600_000, 1_800_000].entries()) {
      // In real time, as there is a pause before ffmpeg is started again and again.
      for (const tag of tags) {
        publisher.send(clientTag({ ...tag, timestampMs: tag.timestampMs + leapMs }));
        if (tag.type === FLV_TAG.video) await delay(40);
      }
      await until(async () => (await windowOf(stream)).at(-1)?.discontinuity === index);
    }
    const records = await windowOf(stream);
    expect(Math.max(...records.map(({ durationMs }) => durationMs))).toBeLessThan(1500);
    publisher.socket.destroy();
  }, 60_000);
});
