import { execFile } from "node:child_process";
import { link, mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Recordings } from "../pipeline/index.ts";
import { captureLog } from "./captured-log.ts";
import { DiskUsage } from "./disk-usage.ts";
import { DiskWatch } from "./disk-watch.ts";
import { TestOrigin, until } from "./test-origin.ts";

const run = promisify(execFile);
const KILOBYTE = 1000;

describe("the room for media", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "disk-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test("is counted file by file, below every folder, and files that go are counted no more", async () => {
    await mkdir(join(root, "a", "b"), { recursive: true });
    await writeFile(join(root, "a", "b", "0.m4s"), Buffer.alloc(700));
    await writeFile(join(root, "a", "x.tmp"), Buffer.alloc(20));
    const usage = new DiskUsage(root);
    expect(await usage.bytes()).toBe(720);
    await writeFile(join(root, "a", "x.tmp"), Buffer.alloc(30));
    await writeFile(join(root, "a", "1.m4s"), Buffer.alloc(1));
    expect(await usage.bytes()).toBe(731);
    await rm(join(root, "a", "b"), { recursive: true });
    expect(await usage.bytes()).toBe(31);
    expect(await new DiskUsage(join(root, "missing")).bytes()).toBe(0);
  });

  test("counts once what is in a recording too, and still when only the recording is left", async () => {
    const folder = await mkdtemp(join(root, "linked-"));
    const kept = new Recordings(folder).pathOf("a", "20260101T000000Z");
    await mkdir(kept, { recursive: true });
    await writeFile(join(folder, "0.m4s"), Buffer.alloc(700));
    await link(join(folder, "0.m4s"), join(kept, "0-0.m4s"));
    const usage = new DiskUsage(folder);
    expect(await usage.bytes()).toBe(700);
    await rm(join(folder, "0.m4s"));
    expect(await usage.bytes()).toBe(700);
  });

  test("raises an alarm before it is used up, then makes room, and says when all is well", async () => {
    const folder = await mkdtemp(join(root, "quota-"));
    const { log, messages } = captureLog();
    const shed: number[] = [];
    const watch = new DiskWatch({
      ...{ mediaRoot: folder, quotaBytes: 100 * KILOBYTE, log },
      shed: async (byteLength) => void shed.push(byteLength),
    });
    const levels: string[] = [];
    for (const kilobytes of [50, 86, 96, 50]) {
      await writeFile(join(folder, "media.tmp"), Buffer.alloc(kilobytes * KILOBYTE));
      await watch.look();
      levels.push(watch.status.level);
    }
    expect(levels).toEqual(["ok", "high", "critical", "ok"]);
    expect(shed).toEqual([6 * KILOBYTE]);
    expect(messages).toHaveLength(3);
  });
});

describe("a live stream", () => {
  let origin: TestOrigin;
  let mount: string | undefined;
  beforeAll(async () => {
    origin = await TestOrigin.start();
  });
  afterEach(async () => {
    await origin.endPublishers();
  });
  afterAll(async () => {
    await origin.stop();
    if (mount !== undefined) await run("umount", [mount]);
    if (mount !== undefined) await rm(mount, { recursive: true });
  });

  test("goes on within its quota: the alarm comes, and the oldest media go", async () => {
    const ingest = await origin.ingest({ segmentTargetS: 0.25, diskQuotaBytes: 6000 * KILOBYTE });
    const url = await origin.addressOf("quota");
    origin.publish(url, { widthPx: 640, heightPx: 360, videoKbps: 4000, gopS: 0.25 });
    await origin.logged("the oldest are removed early");
    const findingsOf = () => ingest.status().publishers.flatMap(({ findings }) => findings);
    await until(async () => findingsOf().some(({ code }) => code === "disk-high"));
    await until(async () => {
      const [oldest] = await origin.timeline.window("quota", 0, 1000);
      return (oldest?.block.sequence ?? 0) > 20;
    });
    expect(ingest.status().publishers).toHaveLength(1);
    expect(ingest.status().disk.usedBytes).toBeLessThan(8000 * KILOBYTE);
  }, 90_000);

  const isRoot = process.platform === "linux" && process.getuid?.() === 0;
  (isRoot ? test : test.skip)(
    "is unhealthy while the disk is full, and goes on when there is room again",
    async () => {
      mount = await mkdtemp(join(tmpdir(), "small-disk-"));
      await run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", mount]);
      const ingest = await origin.ingest({ mediaRoot: mount });
      const url = await origin.addressOf("full");
      origin.publish(url);
      const findings = () => ingest.status().publishers.flatMap((publisher) => publisher.findings);
      await until(async () => (await origin.timeline.window("full", 0, 10)).length >= 2);
      const { bavail, bsize } = await statfs(mount);
      await writeFile(join(mount, "other"), Buffer.alloc(bavail * bsize - bsize)).catch(() => {});
      await until(async () => findings().some(({ code }) => code === "disk-full"));
      const [before] = await origin.timeline.window("full", 0, 1);
      await rm(join(mount, "other"));
      await until(async () => {
        const [newest] = await origin.timeline.window("full", 0, 1);
        return (newest?.block.sequence ?? 0) > (before?.block.sequence ?? 0) + 2;
      });
      await until(async () => findings().every(({ code }) => code !== "disk-full"));
    },
    90_000,
  );
});
