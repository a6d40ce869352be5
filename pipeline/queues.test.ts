import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import {
  createEncodeQueue,
  createEncodeWorker,
  deadJobs,
  type EncodeQueue,
  enqueueEncode,
  enqueueUnsigned,
  ScratchRedis,
  type SegmentRecord,
  StreamRegistry,
  Timeline,
} from "./index.ts";

let scratch: ScratchRedis;
let redis: Redis;
let queue: EncodeQueue;

beforeAll(async () => {
  scratch = await ScratchRedis.start();
  redis = scratch.redis;
  queue = createEncodeQueue(redis);
});
afterAll(async () => {
  await queue.close();
  await scratch.stop();
});
beforeEach(async () => {
  await redis.flushall();
});

function record(sequence: number): SegmentRecord {
  return {
    stream: "demo",
    session: "a",
    block: { rendition: 0, sequence, part: 0 },
    path: `demo/a/${sequence}.m4s`,
    offset: 0,
    byteLength: 1000,
    last: true,
    durationMs: 1000,
    programDateTimeMs: 0,
    completedAtMs: 0,
    discontinuity: 0,
    init: { sequence: 0, sha256: "A".repeat(43) },
  };
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("a block has one job, however often it is added", async () => {
  for (let time = 0; time < 3; time++) await enqueueEncode(queue, record(1));
  await enqueueEncode(queue, record(2));
  expect(await queue.getWaitingCount()).toBe(2);
  const seen: number[] = [];
  const work = async (job: { record: SegmentRecord }) => {
    seen.push(job.record.block.sequence);
  };
  const worker = createEncodeWorker(redis, work, { concurrency: 1 });
  await until(() => seen.length === 2);
  await worker.close();
  expect(seen).toEqual([1, 2]);
});

test("a job that failed is tried again, later", async () => {
  await enqueueEncode(queue, record(1));
  const triedAt: number[] = [];
  const work = async () => {
    triedAt.push(performance.now());
    if (triedAt.length < 3) throw new Error("not yet");
  };
  const worker = createEncodeWorker(redis, work, { concurrency: 1 });
  await until(() => triedAt.length === 3);
  await worker.close();
  const [first = 0, second = 0, third = 0] = triedAt;
  expect(second - first).toBeGreaterThan(150);
  expect(third - second).toBeGreaterThan(350);
  expect(await deadJobs(queue, 10)).toEqual([]);
});

test("a job whose payload is not one of ours is dead at once", async () => {
  await queue.add("encode", { record: { ...record(1), path: "../../etc/passwd" } });
  const worker = createEncodeWorker(redis, async () => {}, { concurrency: 1 });
  await until(async () => (await deadJobs(queue, 1)).length === 1);
  await worker.close();
  expect(await deadJobs(queue, 10)).toMatchObject([{ queue: "encode", attempts: 1 }]);
});

test("the job of a worker that is gone goes to the next one", async () => {
  await enqueueEncode(queue, record(1));
  const started: string[] = [];
  const stuck = () => new Promise<void>(() => started.push("first"));
  const first = createEncodeWorker(redis, stuck, { concurrency: 1 });
  await until(() => started.length === 1);
  await first.close(true); // As if killed: neither finished nor given back.
  const work = async () => void started.push("second");
  const second = createEncodeWorker(redis, work, { concurrency: 1 });
  await until(() => started.length === 2);
  await second.close();
  expect(started).toEqual(["first", "second"]);
});

test("a block that was registered and not enqueued is found again", async () => {
  await new StreamRegistry(redis).create({ id: "demo" });
  const { block, discontinuity: _, init, ...fields } = record(0);
  const initSha256 = init?.sha256;
  await new Timeline(redis).register({ ...fields, ...block, index: "init", initSha256 });
  expect(await enqueueUnsigned(redis, queue)).toBe(1);
  expect((await queue.getWaiting()).map(({ id }) => id)).toEqual(["demo.0-0-init"]);
});
