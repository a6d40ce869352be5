import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import {
  ChildLogs,
  createEncodeQueue,
  type EncodeQueue,
  PublishSessions,
  ViewerLines,
} from "../pipeline/index.ts";
import { CoreBudget } from "./core-budget.ts";
import { SOFTWARE_ENCODER } from "./ffmpeg-command.ts";
import { PublishDoor } from "./publish-door.ts";
import { Recorder } from "./recorder.ts";
import type { PublisherControl } from "./rtmp/connection.ts";
import { TestOrigin } from "./test-origin.ts";
import { Thumbnails } from "./thumbnails.ts";

const CONTROL: PublisherControl = { resume: () => {}, close: () => {} };

let origin: TestOrigin;
let encodeQueue: EncodeQueue;
const connections: Redis[] = [];
beforeAll(async () => {
  origin = await TestOrigin.start();
  await mkdir(origin.mediaRoot);
  encodeQueue = createEncodeQueue(origin.redis);
});
afterEach(() => {
  for (const redis of connections.splice(0)) redis.disconnect();
});
afterAll(async () => {
  await encodeQueue.close();
  await origin.stop();
});

/** A door, and the connection on which it holds its leases. */
function openDoor(): { door: PublishDoor; leases: Redis } {
  const { mediaRoot, timeline, registry, captured } = origin;
  const leases = origin.redis.duplicate();
  connections.push(leases);
  const door = new PublishDoor({
    registry,
    sessions: new PublishSessions(leases),
    catalogue: { mediaRoot, timeline, encodeQueue, registry: origin.registry },
    settings: {
      ffmpegPath: "ffmpeg",
      ffmpegVersion: { name: "test", readsEnhancedFlv: false },
      segmentTargetS: 1,
      silenceTimeoutMs: 10_000,
      keyFrameTimeoutMs: 30_000,
      bitrateMaxKbps: 100_000,
      viewerDownlinkKbps: 10_000,
      ladders: {
        renditions: "passthrough",
        videoEncoder: SOFTWARE_ENCODER,
        budget: new CoreBudget(1),
      },
    },
    leaseMs: undefined,
    reconciliation: { turnOf: async () => {}, done: Promise.resolve() },
    disk: () => ({ level: "ok", usedBytes: 0, limitBytes: 1, freeBytes: 1 }),
    onLeft: () => {},
    recording: false,
    recorder: new Recorder({ mediaRoot, ffmpegPath: "ffmpeg", log: captured.log }),
    thumbnails: new Thumbnails({
      ...{ mediaRoot, ffmpegPath: "ffmpeg", intervalMs: 0, log: captured.log },
    }),
    childLogs: new ChildLogs(leases),
    viewerLines: new ViewerLines(leases),
    frontSecret: "the-front",
    log: captured.log,
  });
  return { door, leases };
}

async function requestFor(id: string) {
  const { streamKey } = await origin.registry.create({ id });
  return { streamKey, filler: false, frontSecret: undefined, remoteAddress: "192.0.2.1" };
}

describe("the publish door", () => {
  test("closes only after the publisher that it was letting in has ended", async () => {
    const { door } = openDoor();
    const admission = door.open(await requestFor("late"), CONTROL);
    let isClosed = false;
    const closed = door.close().then(() => {
      isClosed = true;
    });
    const sink = await admission;
    expect(isClosed).toBe(false);
    sink.end("rtmp-disconnected", "It left.");
    await closed;
    expect(await new PublishSessions(origin.redis).current("late")).toBeUndefined();
  });

  test("takes a stream from a front that shows the secret, and from nobody who only says so", async () => {
    const { door } = openDoor();
    await origin.registry.create({ id: "fronted" });
    const request = { streamKey: "fronted", filler: false, remoteAddress: "192.0.2.1" };
    for (const frontSecret of ["", "the-fronT"]) {
      await expect(door.open({ ...request, frontSecret }, CONTROL)).rejects.toMatchObject({
        code: "publisher-front",
      });
    }
    await expect(
      door.open({ ...request, streamKey: "none", frontSecret: "the-front" }, CONTROL),
    ).rejects.toMatchObject({ code: "publisher-key" });
    const sink = await door.open({ ...request, frontSecret: "the-front" }, CONTROL);
    sink.end("rtmp-disconnected", "It left.");
    await door.close();
  });

  test("ends a session to its last step when the lease cannot be given back", async () => {
    const { door, leases } = openDoor();
    const sink = await door.open(await requestFor("cut"), CONTROL);
    const { session = "" } = (await new PublishSessions(origin.redis).current("cut")) ?? {};
    leases.disconnect();
    sink.end("rtmp-disconnected", "It left.");
    await door.close();
    expect(origin.captured.messages).toContain("the publish session did not end cleanly");
    await expect(access(join(origin.mediaRoot, "cut", session))).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
});
