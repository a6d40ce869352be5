import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { INIT_PART } from "../core/index.ts";
import type { SegmentRecord } from "../pipeline/index.ts";
import { TestOrigin, until } from "./test-origin.ts";

let folder: string;
let slateFile: string;
let origin: TestOrigin;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slate-"));
  slateFile = join(folder, "slate.png");
  const picture = ["-f", "lavfi", "-i", "color=blue:size=320x240", "-frames:v", "1", slateFile];
  await promisify(execFile)("ffmpeg", ["-nostdin", "-loglevel", "error", ...picture]);
  origin = await TestOrigin.start();
});
afterAll(async () => {
  await origin.stop();
  await rm(folder, { recursive: true });
});

/** The segments of each publish session, one after the other, with the format of each. */
async function sessionsOf(stream: string) {
  const records = await origin.timeline.window(stream, 0, 1000);
  const sessions: SegmentRecord[][] = [];
  for (const record of records) {
    if (record.session === sessions.at(-1)?.[0]?.session) sessions.at(-1)?.push(record);
    else sessions.push([record]);
  }
  const formats = sessions.map(async ([first]) => {
    const block = { rendition: 0, sequence: first?.init?.sequence ?? 0, part: INIT_PART };
    return (await origin.timeline.get(stream, block))?.format;
  });
  return { sessions, formats: await Promise.all(formats) };
}

async function untilSessions(count: number): Promise<void> {
  await until(async () => {
    const { sessions } = await sessionsOf("away");
    return sessions.length === count && (sessions.at(-1)?.length ?? 0) >= 2;
  });
}

test("While the broadcaster is away a slate like the broadcast is shown, between two discontinuities", async () => {
  const ingest = await origin.ingest({ slateFile });
  const url = await origin.addressOf("away");
  origin.publish(url);
  await untilSessions(1);
  await origin.endPublishers();
  await untilSessions(2);
  expect(ingest.status().publishers).toMatchObject([{ stream: "away", filler: true }]);
  origin.publish(url);
  await untilSessions(3);
  const { sessions, formats } = await sessionsOf("away");
  expect(sessions.map(([first]) => first?.discontinuity)).toEqual([0, 1, 2]);
  const [before, slate, after] = formats;
  expect(slate).toMatchObject({ widthPx: 160, heightPx: 90, fps: 25 });
  expect(slate?.codecs.split(",")).toHaveLength(2);
  expect(after).toMatchObject({ widthPx: before?.widthPx, heightPx: before?.heightPx });
  expect(ingest.status().publishers).toMatchObject([{ filler: false }]);
}, 60_000);

test("A slate that is over leaves the stream alone, and one that cannot be read is refused", async () => {
  const ingest = await origin.ingest({ slateFile, slateMaxMs: 3000 });
  origin.publish(await origin.addressOf("over"));
  await origin.segments("over", 1);
  await origin.endPublishers();
  await origin.logged("the slate is shown");
  await origin.logged("The broadcaster did not come back.");
  await until(async () => ingest.status().publishers.length === 0);
  await expect(origin.ingest({ slateFile: join(folder, "none.png") })).rejects.toMatchObject({
    code: "slate-file",
  });
}, 60_000);
