import { createHash, randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { pino } from "pino";
import {
  BlockStore,
  createEncodeQueue,
  createSignWorker,
  deadJobs,
  enqueueEncode,
  RoleStatus,
  ScratchRedis,
  type SegmentRecord,
  type SignJob,
  StreamRegistry,
  Timeline,
} from "../pipeline/index.ts";
import { type EncoderOptions, runEncoder } from "./index.ts";

let scratch: ScratchRedis;
let mediaRoot: string;
let redis: Redis;
let options: EncoderOptions;

beforeAll(async () => {
  scratch = await ScratchRedis.start();
  mediaRoot = join(scratch.dir, "media");
  redis = scratch.redis;
  await new StreamRegistry(redis).create({ id: "demo" });
  const log = pino({ level: "silent" });
  options = { redisUrl: scratch.url, mediaRoot, log, threads: 0 };
});
afterAll(() => scratch.stop());

async function registerInit(session: string, bytes: Uint8Array): Promise<SegmentRecord> {
  const path = `demo/${session}/init.mp4`;
  await mkdir(dirname(join(mediaRoot, path)), { recursive: true });
  await writeFile(join(mediaRoot, path), bytes);
  const [record] = await new Timeline(redis).register({
    stream: "demo",
    session,
    rendition: 0,
    index: "init",
    path,
    byteLength: bytes.length,
    durationMs: 0,
    programDateTimeMs: 0,
    completedAtMs: 0,
    initSha256: createHash("sha256").update(bytes).digest("base64url"),
  });
  return record;
}

async function nextSignJob(): Promise<SignJob> {
  const { promise, resolve } = withResolvers<SignJob>();
  const worker = createSignWorker(redis, async (job) => resolve(job), { concurrency: 1 });
  const job = await promise;
  await worker.close();
  return job;
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

test("codes a block, stores it and asks for a signature; a block left by a crash too", async () => {
  const bytes = randomBytes(50_000);
  const record = await registerInit("a", bytes); // Registered, never enqueued.
  const encoder = await runEncoder(options);
  const job = await nextSignJob();
  expect(job.record).toEqual(record);
  expect(job.sha256).toBe(createHash("sha256").update(bytes).digest("base64url"));
  const store = new BlockStore(mediaRoot);
  const { repair } = await store.readCoded(record, job.fec.n);
  expect(repair.length).toBe((job.fec.n - job.fec.k) * job.fec.symbolBytes);
  expect((await RoleStatus.all(redis)).map(({ role }) => role)).toEqual(["encoder"]);
  await encoder.close();
});

test("keeps a job that cannot succeed where it can be seen", async () => {
  const record = await registerInit("b", randomBytes(5000));
  await rm(join(mediaRoot, record.path));
  const queue = createEncodeQueue(redis);
  await enqueueEncode(queue, record);
  const encoder = await runEncoder(options);
  let dead = await deadJobs(queue, 10);
  while (dead.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    dead = await deadJobs(queue, 10);
  }
  expect(dead).toMatchObject([{ id: "demo.0-1-init", queue: "encode", attempts: 5 }]);
  expect(dead[0]?.reason).toMatch(/init\.mp4 is not there/);
  await encoder.close();
  await queue.close();
});
