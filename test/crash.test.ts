import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { blockKey } from "../core/index.ts";
import { connectRedis, ManifestLog, Timeline } from "../pipeline/index.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";

const STREAM = "main";
const MANY = 10_000;

let folder: string;
let origin: OriginProcess;
let publisher: Publisher | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  origin = new OriginProcess(join(folder, "data"), ["--no-demo"]);
});

afterEach(async () => {
  await publisher?.end("SIGKILL");
  publisher = undefined;
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
});

function publish(): void {
  publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}` });
}

/** Tries until it is let in, as OBS does: the killed origin's lease of the stream ends after 5 s. */
async function publishAgain(): Promise<void> {
  const from = (await newestSequence(origin)) ?? -1;
  await eventually(
    async () => {
      if (publisher === undefined || publisher.hasEnded) publish();
      const newest = await newestSequence(origin);
      return newest !== undefined && newest > from;
    },
    30_000,
    () => `${origin.output}\n${publisher?.errors}`,
  );
}

/** Waits until the public playlist has grown by `count` segments. */
async function grow(count: number): Promise<number> {
  const from = (await newestSequence(origin)) ?? -1;
  return eventually(
    async () => {
      const newest = await newestSequence(origin);
      return newest !== undefined && newest >= from + count ? newest : undefined;
    },
    40_000,
    () => origin.output,
  );
}

/** The paths, relative to the media root, of all segments that ffmpeg's own playlists name. */
async function completeSegments(): Promise<string[]> {
  const root = join(origin.dataDir, "media", STREAM);
  const paths: string[] = [];
  for (const session of await readdir(root)) {
    const playlist = await readFile(join(root, session, "media.m3u8"), "utf8").catch(() => "");
    const names = [...playlist.matchAll(/^(\d+\.m4s)$/gm)].map(([, name]) => name);
    if (names.length > 0) paths.push(`${STREAM}/${session}/init.mp4`);
    paths.push(...names.map((name) => `${STREAM}/${session}/${name}`));
  }
  return paths.sort();
}

/** Every manifest in the log, and the file of every block in the timeline. */
async function signedBlocks(): Promise<{ manifests: string[]; signedPaths: string[] }> {
  const redis = connectRedis(`unix:${join(origin.dataDir, "redis", "redis.sock")}`);
  try {
    const entries = await new ManifestLog(redis).recent(STREAM, MANY);
    const timeline = new Timeline(redis);
    const records = await Promise.all(entries.map(({ block }) => timeline.get(STREAM, block)));
    return {
      manifests: entries.map(({ block }) => blockKey(block)),
      signedPaths: records.map((record) => record?.path ?? "not in the timeline").sort(),
    };
  } finally {
    redis.disconnect();
  }
}

/** Ends the publisher and checks that each complete segment on disk has just one manifest. */
async function expectOneManifestEach(): Promise<void> {
  await publisher?.end();
  await eventually(
    async () => {
      const { signedPaths } = await signedBlocks();
      return signedPaths.join() === (await completeSegments()).join();
    },
    30_000,
    () => origin.output,
  );
  const { manifests, signedPaths } = await signedBlocks();
  expect(new Set(manifests).size).toBe(manifests.length);
  expect(signedPaths).toEqual(await completeSegments());
}

/** The processes that work in the origin's folder. */
async function processesInside(directory: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      return cwd.startsWith(directory) ? [Number(pid)] : [];
    }),
  );
  return inside.flat();
}

test("encoder and signer killed in the middle of a stream lose nothing", async () => {
  await origin.start();
  publish();
  await grow(3);
  await origin.killRole("encoder");
  await grow(3);
  await origin.killRole("signer");
  await grow(3);
  await expectOneManifestEach();
}, 150_000);

test("a whole origin killed in the middle of a stream goes on where it was", async () => {
  await origin.start();
  publish();
  const before = await grow(5);
  await origin.killAll();
  await publisher?.end();
  const media = join(origin.dataDir, "media");
  await eventually(async () => (await processesInside(media)).length === 0, 10_000);
  await origin.start();
  await publishAgain();
  await grow(3);
  expect(await newestSequence(origin)).toBeGreaterThan(before);
  await expectOneManifestEach();
}, 150_000);

test("Ctrl-C ends everything that the studio started", async () => {
  await origin.start();
  publish();
  await grow(2);
  expect((await processesInside(origin.dataDir)).length).toBeGreaterThan(0);
  expect(await origin.stop()).toBe(0);
  expect(await processesInside(origin.dataDir)).toEqual([]);
}, 90_000);
