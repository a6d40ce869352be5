import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { toBase64Url } from "../core/index.ts";
import { BlockStore, PublishSessions, Recordings, type SegmentRecord } from "../pipeline/index.ts";
import { Retention } from "./retention.ts";
import { TestOrigin } from "./test-origin.ts";

let origin: TestOrigin;
let retention: Retention;
beforeAll(async () => {
  origin = await TestOrigin.start();
  const { mediaRoot, registry, timeline, redis, captured } = origin;
  retention = new Retention({
    ...{ mediaRoot, registry, timeline, log: captured.log, keepCount: 2 },
    sessions: new PublishSessions(redis),
    store: new BlockStore(mediaRoot),
    recordings: new Recordings(mediaRoot),
  });
});
afterAll(() => origin.stop());

/** Registers a session of `count` segments whose files hold one byte, coded by an encoder. */
async function record(stream: string, session: string, count: number): Promise<SegmentRecord[]> {
  const dir = join(origin.mediaRoot, stream, session);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "media.m3u8"), "#EXTM3U\n");
  const common = {
    stream,
    session,
    rendition: 0,
    byteLength: 1,
    programDateTimeMs: 1,
    completedAtMs: 1,
  };
  const records: SegmentRecord[] = [];
  for (let index = -1; index < count; index++) {
    const name = index < 0 ? "init.mp4" : `${String(index).padStart(9, "0")}.m4s`;
    for (const end of ["", ".coded"]) await writeFile(join(dir, name + end), "x");
    records.push(
      ...(await origin.timeline.register({
        ...common,
        index: index < 0 ? "init" : index,
        path: `${stream}/${session}/${name}`,
        durationMs: index < 0 ? 0 : 1000,
        initSha256: index < 0 ? toBase64Url(new Uint8Array(32)) : undefined,
      })),
    );
  }
  return records;
}

async function names(...path: string[]): Promise<string[]> {
  return (await readdir(join(origin.mediaRoot, ...path))).sort();
}

describe("the retention", () => {
  test("deletes all but the newest segments, with what the encoder made of them", async () => {
    await origin.registry.create({ id: "long" });
    await record("long", "s1", 4);
    await retention.trim();
    expect(await names("long", "s1")).toEqual([
      ...["000000002.m4s", "000000002.m4s.coded"],
      ...["000000003.m4s", "000000003.m4s.coded"],
      ...["init.mp4", "init.mp4.coded", "media.m3u8"],
    ]);
  });

  test("removes the directory of a session when nothing needs it any more", async () => {
    await record("long", "s2", 3);
    await retention.trim();
    expect(await names("long")).toEqual(["s2"]);
  });

  test("removes everything of a stream that was deleted", async () => {
    await origin.registry.create({ id: "gone" });
    await record("gone", "s1", 2);
    await origin.registry.delete("gone");
    await retention.trim();
    expect(await names()).toEqual(["long"]);
  });

  test("keeps of a stream as many segments as its viewers may go back to", async () => {
    await origin.registry.create({ id: "dvr", dvrS: 20 });
    await record("dvr", "s1", 60);
    await retention.trim();
    const left = (await names("dvr", "s1")).filter((name) => name.endsWith(".m4s"));
    expect([left[0], left.length]).toEqual(["000000010.m4s", 50]);
  });

  test("removes the recordings of a stream that was deleted", async () => {
    const recordings = new Recordings(origin.mediaRoot);
    for (const stream of ["long", "nobody"]) {
      const path = recordings.pathOf(stream, "20260101T000000Z");
      await mkdir(path, { recursive: true });
      await writeFile(join(path, Recordings.PLAYLIST), "#EXTM3U\n");
    }
    await retention.trim();
    expect(await recordings.streams()).toEqual(["long"]);
  });

  test("takes recordings, oldest first, when there are no other media to make room", async () => {
    const recordings = new Recordings(origin.mediaRoot);
    for (const [id, name] of [
      ["20260101T000000Z", Recordings.PLAYLIST],
      ["20260102T000000Z", Recordings.PLAYLIST],
      ["20260103T000000Z", Recordings.JOURNAL],
    ] as const) {
      await mkdir(recordings.pathOf("long", id), { recursive: true });
      await writeFile(join(recordings.pathOf("long", id), name), Buffer.alloc(1000));
    }
    const ids = async () => (await recordings.list("long")).map(({ id }) => id);
    await retention.shed(900);
    expect(await ids()).toEqual(["20260102T000000Z", "20260103T000000Z"]);
    await retention.shed(5000);
    expect(await ids()).toEqual(["20260103T000000Z"]);
  });

  test("finishes a deletion that a crash interrupted, and touches nothing else", async () => {
    await origin.registry.create({ id: "crash" });
    await record("crash", "s1", 2);
    await record("crash", "s2", 3);
    await origin.timeline.trim("crash", 2); // The process dies before the files are deleted.
    await writeFile(join(origin.mediaRoot, "crash", "s2", "notes.txt"), "not ours");
    await retention.sweep();
    expect(await names("crash")).toEqual(["s1", "s2"]); // Too new: it may be about to be registered.
    const past = Date.now() / 1000 - 100;
    for (const session of ["s1", "s2"]) {
      for (const name of await names("crash", session)) {
        await utimes(join(origin.mediaRoot, "crash", session, name), past, past);
      }
    }
    await retention.sweep();
    expect(await names("crash")).toEqual(["s2"]);
    const left = (await names("crash", "s2")).filter((name) => !name.endsWith(".coded"));
    expect(left).toEqual(["000000001.m4s", "000000002.m4s", "init.mp4", "media.m3u8", "notes.txt"]);
  });
});
