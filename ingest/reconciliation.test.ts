import { cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createEncodeQueue } from "../pipeline/index.ts";
import { PLAYLIST_NAME } from "./ffmpeg-command.ts";
import { TestOrigin, until } from "./test-origin.ts";

let origin: TestOrigin;
let sample = "";

/** A real session of four segments, from which sessions of an earlier run are made. */
beforeAll(async () => {
  origin = await TestOrigin.start();
  await origin.ingest();
  const publisher = origin.publish(await origin.addressOf("sample"));
  const session = (await origin.segments("sample", 4))[0]?.session ?? "";
  publisher.child.kill("SIGINT");
  await origin.logged("publish session over");
  sample = join(origin.mediaRoot, "sample", session);
});
afterEach(() => origin.endPublishers());
afterAll(() => origin.stop());

/** Lays a session down as a killed ingest leaves it; its playlist names `listed` segments. */
async function leaveBehind(stream: string, session: string, listed: number): Promise<string> {
  const dir = join(origin.mediaRoot, stream, session);
  await cp(sample, dir, { recursive: true });
  await list(dir, listed);
  return dir;
}

async function list(dir: string, listed: number): Promise<void> {
  const text = await readFile(join(sample, PLAYLIST_NAME), "utf8");
  const end = text.indexOf(`${String(listed - 1).padStart(9, "0")}.m4s`);
  await writeFile(join(dir, PLAYLIST_NAME), `${text.slice(0, end + "000000000.m4s".length)}\n`);
}

async function makeOld(dir: string): Promise<void> {
  const aMinuteAgo = Date.now() / 1000 - 100;
  const names = await readdir(dir);
  await Promise.all(names.map((name) => utimes(join(dir, name), aMinuteAgo, aMinuteAgo)));
}

describe("an ingest that starts after being killed", () => {
  test("registers what ffmpeg had completed, at the time of its file, and asks for its encoding", async () => {
    await origin.registry.create({ id: "killed" });
    const dir = await leaveBehind("killed", "00000001-aaaaaa", 3);
    await makeOld(dir);
    await origin.ingest();
    const records = await origin.timeline.window("killed", 0, 10);
    expect(records.map(({ path }) => path.slice(-13))).toEqual([
      "000000000.m4s",
      "000000001.m4s",
      "000000002.m4s",
    ]);
    const { mtimeMs } = await stat(join(dir, "000000002.m4s"));
    expect(records[2]?.completedAtMs).toBe(Math.round(mtimeMs));
    const playedMs = records.map((one) => one.programDateTimeMs + one.durationMs);
    expect(playedMs[0]).toBe(records[0]?.completedAtMs); // The best that is known afterwards.
    expect((playedMs[1] ?? 0) - (playedMs[0] ?? 0)).toBeCloseTo(1000, -2);
    const queue = createEncodeQueue(origin.redis);
    for (const block of ["0-0-init", "0-0-0", "0-1-0", "0-2-0"]) {
      expect(await queue.getJob(`killed.${block}`)).toBeDefined();
    }
    await queue.close();
  });

  test("registers nothing twice, however often it starts", async () => {
    const before = await origin.timeline.window("killed", 0, 10);
    await origin.ingest();
    await origin.ingest();
    expect(await origin.timeline.window("killed", 0, 10)).toEqual(before);
  });

  test("waits for the last segment of an ffmpeg that is still writing", async () => {
    await origin.registry.create({ id: "writing" });
    const dir = await leaveBehind("writing", "00000001-aaaaaa", 2);
    await utimes(join(dir, PLAYLIST_NAME), new Date(), new Date());
    await origin.ingest();
    expect(await origin.timeline.window("writing", 0, 10)).toHaveLength(2);
    await list(dir, 4);
    expect(await origin.segments("writing", 4)).toHaveLength(4);
  });

  test("lets a new publisher's segments follow those of the killed session", async () => {
    await origin.registry.create({ id: "follows" });
    const dir = await leaveBehind("follows", "00000001-aaaaaa", 2);
    await origin.ingest();
    origin.publish(await origin.addressOf("follows"));
    await until(async () => (await readdir(join(origin.mediaRoot, "follows"))).length === 2);
    await list(dir, 4);
    const records = await origin.segments("follows", 5);
    const sessions = records.map(({ session, discontinuity }) => [
      session === "00000001-aaaaaa",
      discontinuity,
    ]);
    expect(sessions.slice(0, 5)).toEqual([
      ...Array.from({ length: 4 }, () => [true, 0]),
      [false, 1],
    ]);
  });

  test("leaves out segments that a full disk damaged, and says so", async () => {
    await origin.registry.create({ id: "damaged" });
    const dir = await leaveBehind("damaged", "00000001-aaaaaa", 4);
    await writeFile(join(dir, "000000001.m4s"), "");
    await writeFile(join(dir, "000000002.m4s"), "no boxes at all, only text in a file");
    await origin.ingest();
    const records = await origin.timeline.window("damaged", 0, 10);
    expect(records.map(({ path }) => path.slice(-5))).toEqual(["0.m4s", "3.m4s"]);
    expect(origin.captured.messages.join()).toContain("segment left out: it is empty");
  });

  test("goes on when its retention has deleted what the playlist still names", async () => {
    await origin.registry.create({ id: "trimmed" });
    const dir = await leaveBehind("trimmed", "00000001-aaaaaa", 4);
    await rm(join(dir, "000000000.m4s"));
    await origin.ingest();
    const records = await origin.timeline.window("trimmed", 0, 10);
    expect(records.map(({ path }) => path.slice(-5))).toEqual(["1.m4s", "2.m4s", "3.m4s"]);
  });

  test("is not put off by folders that are not its own", async () => {
    await mkdir(join(origin.mediaRoot, "Not A Stream", "x"), { recursive: true });
    await mkdir(join(origin.mediaRoot, "killed", "empty-session"), { recursive: true });
    await origin.ingest();
    expect(await readdir(join(origin.mediaRoot, "Not A Stream"))).toEqual(["x"]);
  });
});

describe("an old session that cannot be followed to its end", () => {
  test("does not keep a new publisher out", async () => {
    await origin.registry.create({ id: "broken" });
    const dir = await leaveBehind("broken", "00000001-aaaaaa", 2);
    await utimes(join(dir, PLAYLIST_NAME), new Date(), new Date());
    await origin.ingest();
    await rm(dir, { recursive: true });
    await writeFile(dir, "a file where the folder was");
    await origin.logged("an old session could not be followed to its end");
    origin.publish(await origin.addressOf("broken"));
    await until(async () => (await origin.timeline.window("broken", 0, 1))[0]?.discontinuity === 1);
    await rm(dir);
  });
});
