import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { blockKey, concatBytes } from "../core/index.ts";
import { createEncodeQueue, PublishSessions, RoleStatus } from "../pipeline/index.ts";
import { FLV_TAG } from "./flv.ts";
import { recordedTags } from "./recorded-tags.ts";
import {
  clientHandshake,
  clientPublish,
  clientTag,
  ScriptedPublisher,
} from "./rtmp/scripted-publisher.ts";
import { TestOrigin, until } from "./test-origin.ts";

let origin: TestOrigin;
beforeAll(async () => {
  origin = await TestOrigin.start();
});
afterEach(async () => {
  await origin.endPublishers();
  origin.captured.forget();
});
afterAll(() => origin.stop());

const fileOf = (path: string): string => join(origin.mediaRoot, path);
const sequencesOf = (records: readonly { block: { sequence: number } }[]): number[] =>
  records.map(({ block }) => block.sequence);

describe("a real publisher", () => {
  test("gives registered segments, in order, with the init segment that they need", async () => {
    await origin.ingest();
    const publisher = origin.publish(await origin.addressOf("order"));
    const records = await origin.segments("order", 3);
    const [first] = records;
    expect(sequencesOf(records)).toEqual(records.map((_, index) => index));
    const init = await readFile(fileOf(`order/${first?.session}/init.mp4`));
    const sha256 = createHash("sha256").update(init).digest("base64url");
    const media: Uint8Array[] = [];
    for (const record of records) {
      const bytes = await readFile(fileOf(record.path));
      expect(record).toMatchObject({ init: { sequence: 0, sha256 }, byteLength: bytes.length });
      expect(record.durationMs).toBeCloseTo(1000, -2);
      // Its last frame came before it was complete, and not long before.
      const delayMs = record.completedAtMs - record.programDateTimeMs - record.durationMs;
      expect(delayMs).toBeGreaterThan(-500);
      expect(delayMs).toBeLessThan(5000);
      media.push(bytes);
    }
    await writeFile(fileOf("whole.mp4"), concatBytes(init, ...media));
    const probe = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0"];
    const { stdout, stderr } = await promisify(execFile)("ffprobe", [
      ...probe,
      fileOf("whole.mp4"),
    ]);
    expect([stdout.trim().split("\n"), stderr]).toEqual([["h264", "aac"], ""]);
    publisher.child.kill("SIGINT");
    await origin.logged("publish session over");
  });

  test("has an encode job for its init segment and for every segment", async () => {
    const ingest = await origin.ingest();
    origin.publish(await origin.addressOf("jobs"));
    const records = await origin.segments("jobs", 2);
    const queue = createEncodeQueue(origin.redis);
    await until(async () => (await queue.getJob("jobs.0-1-0")) !== undefined);
    const jobs = (await queue.getJobs(["waiting"])).map(({ data }) => data.record);
    const keys = jobs.filter(({ stream }) => stream === "jobs").map(({ block }) => blockKey(block));
    expect(keys).toEqual(expect.arrayContaining(["0:0:init", "0:0:0", "0:1:0"]));
    expect(jobs).toContainEqual(records[1]);
    expect(ingest.status().publishers).toMatchObject([
      { stream: "jobs", filler: false, video: "H.264", audio: "AAC" },
    ]);
    await queue.close();
  });

  test("is reported with its health", async () => {
    await origin.ingest();
    origin.publish(await origin.addressOf("health"));
    await origin.segments("health", 2);
    await until(async () => {
      const reports = await RoleStatus.all(origin.redis);
      return /"stream":"health".*"segments":[1-9].*"gopS":1,/.test(JSON.stringify(reports));
    });
  });
});

describe("a real publisher of something else", () => {
  test("such as sound alone is cut too", async () => {
    await origin.ingest();
    const tone = ["-re", "-f", "lavfi", "-i", "sine", "-c:a", "aac", "-ac", "2", "-f", "flv"];
    origin.run([...tone, await origin.addressOf("sound")]);
    const [first] = await origin.segments("sound", 2);
    expect(first?.durationMs).toBeCloseTo(1000, -2);
  });

  test("such as old codecs is transcoded", async () => {
    await origin.ingest();
    const picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25"];
    const sound = ["-f", "lavfi", "-i", "sine=sample_rate=44100"];
    const codecs = ["-c:v", "flv1", "-g", "250", "-c:a", "libmp3lame", "-f", "flv"];
    origin.run([...picture, ...sound, ...codecs, await origin.addressOf("other")]);
    const records = await origin.segments("other", 3);
    expect(records[1]?.durationMs).toBeCloseTo(1000, -2);
    expect(origin.captured.text()).toContain("Sorenson H.263: transcode");
  });

  test("such as words without picture and sound is not kept in memory for long", async () => {
    const { rtmpPort } = await origin.ingest();
    const { streamKey } = await origin.registry.create({ id: "words" });
    const publisher = await ScriptedPublisher.connect(rtmpPort);
    publisher.send(clientHandshake(), clientPublish(streamKey));
    await publisher.status("NetStream.Publish.Start");
    const word = clientTag({ type: FLV_TAG.script, timestampMs: 0, payload: Uint8Array.of(5) });
    publisher.send(...new Array<Uint8Array>(20_000).fill(word));
    await origin.logged("neither a picture nor sound");
    await publisher.closed;
  });

  test("such as key frames far apart is told about it, once", async () => {
    await origin.ingest();
    const advice = "key frames are far apart";
    const publisher = origin.publish(await origin.addressOf("gop"), { gopS: 10 });
    await origin.logged(advice);
    await setTimeout(1500); // Longer than the interval at which it is looked at.
    expect(origin.captured.messages.filter((message) => message.includes(advice))).toHaveLength(1);
    publisher.child.kill("SIGINT");
  });
});

describe("a real publisher with faults", () => {
  test("is told of each by name", async () => {
    const ingest = await origin.ingest({ viewerDownlinkKbps: 100 });
    const picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25"];
    const codec = ["-c:v", "libx264", "-bf", "2", "-g", "100", "-b:v", "400k", "-minrate", "400k"];
    const sound = ["-f", "lavfi", "-i", "sine=sample_rate=22050", "-c:a", "aac", "-ac", "1"];
    const url = await origin.addressOf("faulty");
    origin.run([
      ...picture,
      ...sound,
      ...codec,
      "-maxrate",
      "400k",
      "-bufsize",
      "400k",
      "-f",
      "flv",
      url,
    ]);
    const codes = () =>
      ingest.status().publishers.flatMap(({ findings }) => findings.map(({ code }) => code));
    await until(async () => codes().length >= 4);
    const told = ["keyframe-interval-long", "audio-rate", "bitrate-high", "b-frames"];
    expect(codes().sort()).toEqual(told.sort());
    expect(ingest.status().publishers[0]?.source).toMatchObject({
      audioHz: 22_050,
      audioChannels: 1,
    });
  });
});

describe("a real publisher that changes its picture", () => {
  test("without a reconnect gets a new init segment", async () => {
    const { rtmpPort } = await origin.ingest();
    const { streamKey } = await origin.registry.create({ id: "changed" });
    const publisher = await ScriptedPublisher.connect(rtmpPort);
    publisher.send(clientHandshake(), clientPublish(streamKey));
    await publisher.status("NetStream.Publish.Start");
    for (const [part, size] of ["160x90", "320x180"].entries()) {
      for (const tag of await recordedTags({ seconds: 5, size })) {
        publisher.send(clientTag({ ...tag, timestampMs: tag.timestampMs + part * 5000 }));
      }
    }
    await until(
      async () => (await origin.timeline.window("changed", 0, 1))[0]?.discontinuity === 1,
    );
    const records = await origin.timeline.window("changed", 0, 100);
    expect(new Set(records.map(({ init }) => init?.sha256)).size).toBe(2);
    publisher.socket.destroy();
  });
});

describe("publishers in one another's way", () => {
  test("a second one is refused and told why while the first one lives", async () => {
    await origin.ingest();
    const url = await origin.addressOf("busy");
    origin.publish(url);
    await origin.segments("busy", 1);
    const second = origin.publish(url);
    await second.exited;
    expect(second.said).toContain('Stream "busy" has a live publisher');
    await origin.segments("busy", 2);
  });

  test("thirty on one port each get their own segments", async () => {
    const { rtmpPort } = await origin.ingest();
    const tags = await recordedTags({ seconds: 4 });
    const names = Array.from({ length: 30 }, (_, index) => `crowd-${index}`);
    const publishers: ScriptedPublisher[] = [];
    for (const name of names) {
      const { streamKey } = await origin.registry.create({ id: name });
      const publisher = await ScriptedPublisher.connect(rtmpPort);
      publisher.send(clientHandshake(), clientPublish(streamKey), ...tags.map(clientTag));
      publishers.push(publisher);
    }
    for (const name of names) await origin.segments(name, 2);
    for (const { socket } of publishers) socket.destroy();
  }, 120_000);

  test("a wrong key is refused, and the broadcaster reads why", async () => {
    const ingest = await origin.ingest();
    const stranger = origin.publish(`${await origin.addressOf("key")}x`);
    await stranger.exited;
    expect(stranger.said).toContain("The stream key is wrong");
    expect(ingest.status().rejections).toEqual({ "publisher-key": 1 });
    expect(origin.captured.text()).not.toContain((await origin.registry.get("key"))?.streamKey);
  });

  test("one that hangs is dropped, and a good one gets in right after", async () => {
    await origin.ingest({ silenceTimeoutMs: 1000 });
    const url = await origin.addressOf("hangs");
    const hanging = origin.publish(url);
    const [first] = await origin.segments("hangs", 1);
    hanging.child.kill("SIGSTOP");
    await origin.logged("No audio or video for 1 s.");
    origin.publish(url);
    const after = (await origin.segments("hangs", 4)).at(-1);
    expect(after?.session).not.toBe(first?.session);
    hanging.child.kill("SIGCONT");
  });

  test("a real one takes over from a filler, and a filler not from a real one", async () => {
    await origin.ingest();
    const url = await origin.addressOf("filler");
    const filler = origin.publish(`${url}?filler=1`);
    await origin.segments("filler", 1);
    const sessions = new PublishSessions(origin.redis);
    expect(await sessions.current("filler")).toMatchObject({ filler: true });
    origin.publish(url);
    await filler.exited;
    await origin.logged("A real broadcaster takes over from the test card.");
    await until(async () => (await origin.timeline.window("filler", 0, 1))[0]?.discontinuity === 1);
    expect(await sessions.current("filler")).toMatchObject({ filler: false });
    const refused = origin.publish(`${url}?filler=1`);
    await refused.exited;
    expect(refused.said).toContain("has a live publisher");
  });

  test("one that is killed and comes back goes on in the same order, with a discontinuity", async () => {
    await origin.ingest();
    const url = await origin.addressOf("back");
    const before = origin.publish(url);
    await origin.segments("back", 2);
    before.child.kill("SIGKILL");
    await before.exited;
    await origin.logged("publisher gone: The connection ended.");
    origin.publish(url, { widthPx: 320, heightPx: 180 });
    await until(async () => (await origin.timeline.window("back", 0, 1))[0]?.discontinuity === 1);
    const records = await origin.timeline.window("back", 0, 100);
    expect(sequencesOf(records)).toEqual(records.map((_, index) => index));
    const [first, last] = [records[0], records.at(-1)];
    expect(last?.session).not.toBe(first?.session);
    expect(last?.init?.sequence).toBeGreaterThan(0);
    expect(last?.init?.sha256).not.toBe(first?.init?.sha256);
  });
});

describe("an origin without Redis", () => {
  test("still closes", async () => {
    const own = await TestOrigin.start();
    await own.ingest();
    own.publish(await own.addressOf("cut"));
    await own.segments("cut", 1);
    await own.loseRedis();
    await own.stop();
  });
});

describe("an ffmpeg that fails", () => {
  test("is followed by another, and the broadcaster notices nothing", async () => {
    const ingest = await origin.ingest();
    const publisher = origin.publish(await origin.addressOf("killed"));
    await origin.segments("killed", 2);
    const usage = () => ingest.status().publishers[0]?.ffmpeg;
    await until(async () => (usage()?.memoryBytes ?? 0) > 1e6);
    const { stdout } = await promisify(execFile)("pgrep", ["-P", `${process.pid}`, "-f", "pipe:0"]);
    process.kill(Number(stdout.trim()), "SIGKILL");
    await origin.logged("ffmpeg is gone: it ended with SIGKILL");
    await until(async () => (await origin.timeline.window("killed", 0, 1))[0]?.discontinuity === 1);
    const records = await origin.timeline.window("killed", 0, 100);
    expect(sequencesOf(records)).toEqual(records.map((_, index) => index));
    const [first, last] = [records[0], records.at(-1)];
    expect(last?.session).toBe(`${first?.session}-1`);
    expect([usage()?.runs, publisher.child.exitCode]).toEqual([2, null]);
  });

  test("lets its publisher go with a clear log line", async () => {
    const ffmpegPath = fileOf("failing-ffmpeg");
    const script = '#!/bin/sh\n[ "$2" = -version ] && exec ffmpeg "$@"\nread -r x\nexit 9\n';
    await writeFile(ffmpegPath, script, { mode: 0o755 });
    await origin.ingest({ ffmpegPath });
    const publisher = origin.publish(await origin.addressOf("fails"));
    await publisher.exited;
    await origin.logged("ffmpeg is gone: it ended with code 9");
    await origin.logged("publish session over");
  });

  test("is found missing at the start", async () => {
    await expect(origin.ingest({ ffmpegPath: "no-ffmpeg" })).rejects.toMatchObject({
      code: "ffmpeg-missing",
    });
  });
});
