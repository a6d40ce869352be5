import { type Job, type JobsOptions, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { z } from "zod";
import { blockKey, type FecParameters } from "../core/index.ts";
import { BULL_PREFIX } from "./redis-keys.ts";
import { type SegmentRecord, segmentRecordSchema } from "./segment-record.ts";

/** Work for the encoder: a registered segment. */
export interface EncodeJob {
  readonly record: SegmentRecord;
}

/** Work for the signer: an encoded block. Jobs carry references, never media. */
export interface SignJob {
  readonly record: SegmentRecord;
  /** SHA-256 of the block's bytes, base64url. */
  readonly sha256: string;
  readonly fec: FecParameters;
}

/** What a webhook can be told of a stream. */
export const WEBHOOK_EVENTS = [
  "stream.started",
  "stream.unhealthy",
  "stream.recovered",
  "stream.stopped",
] as const;

/** One event for one webhook. */
export interface WebhookJob {
  /** Id of the webhook. */
  readonly webhook: string;
  /** Id of the event: the same at every attempt. */
  readonly event: string;
  readonly type: (typeof WEBHOOK_EVENTS)[number];
  readonly stream: string;
  /** When the stream was seen to change, milliseconds since the UNIX epoch. */
  readonly atMs: number;
}

export type EncodeQueue = Queue<EncodeJob>;
export type SignQueue = Queue<SignJob>;
export type WebhookQueue = Queue<WebhookJob>;

const DEAD_JOBS_MAX = 1000;
const EVENTS_MAX = 1000;

/** Five attempts over some 3 s, then a job is dead: it stays where it can be seen and retried. */
const JOB_OPTIONS: JobsOptions = {
  attempts: 5,
  backoff: { type: "exponential", delay: 200 },
  // A finished job says nothing that the block's files and its manifest do not say.
  removeOnComplete: true,
  removeOnFail: { count: DEAD_JOBS_MAX },
  stackTraceLimit: 3,
};

/** Eight attempts over some 21 minutes. A finished job is kept for a while: another process may add it again. */
const WEBHOOK_JOB_OPTIONS: JobsOptions = {
  ...JOB_OPTIONS,
  attempts: 8,
  backoff: { type: "exponential", delay: 10_000, jitter: 0.3 },
  removeOnComplete: { age: 3600, count: 1000 },
};
/** Jobs that wait: a receiver that is away for long loses what comes after. */
const WEBHOOK_JOBS_MAX = 10_000;

const fecSchema = z.object({
  code: z.literal("leopard-gf8"),
  k: z.int().min(1).max(256),
  n: z.int().min(1).max(256),
  symbolBytes: z.int().min(1),
}) satisfies z.ZodType<FecParameters>;

const encodeJobSchema = z.object({ record: segmentRecordSchema }) satisfies z.ZodType<EncodeJob>;

const signJobSchema = z.object({
  record: segmentRecordSchema,
  sha256: z.string().length(43),
  fec: fecSchema,
}) satisfies z.ZodType<SignJob>;

const webhookJobSchema = z.object({
  webhook: z.string(),
  event: z.string(),
  type: z.enum(WEBHOOK_EVENTS),
  stream: z.string(),
  atMs: z.number(),
}) satisfies z.ZodType<WebhookJob>;

export function createEncodeQueue(redis: Redis): EncodeQueue {
  return createQueue("encode", redis);
}

export function createSignQueue(redis: Redis): SignQueue {
  return createQueue("sign", redis);
}

export function createWebhookQueue(redis: Redis): WebhookQueue {
  return createQueue("webhook", redis, WEBHOOK_JOB_OPTIONS);
}

/** Adds an event's job; a webhook has one for each event, however often it is added. False: too many wait. */
export async function enqueueWebhook(queue: WebhookQueue, job: WebhookJob): Promise<boolean> {
  if ((await queue.getJobCountByTypes("waiting", "delayed")) >= WEBHOOK_JOBS_MAX) return false;
  await queue.add("webhook", job, { jobId: `${job.webhook}.${job.event}` });
  return true;
}

/** Adds the block's encode job; a block has one job, however often it is added. */
export async function enqueueEncode(queue: EncodeQueue, record: SegmentRecord): Promise<void> {
  await queue.add("encode", { record }, { jobId: jobIdOf(record) });
}

/** Adds the block's sign job; a block has one job, however often it is added. */
export async function enqueueSign(queue: SignQueue, job: SignJob): Promise<void> {
  await queue.add("sign", job, { jobId: jobIdOf(job.record) });
}

/** What a worker may choose. Errors of the connection come as the worker's "error" events. */
export interface WorkerChoices {
  /** Jobs in work at a time. */
  readonly concurrency: number;
}

/** Works on encode jobs until it is closed. */
export function createEncodeWorker(
  redis: Redis,
  work: (job: EncodeJob) => Promise<void>,
  choices: WorkerChoices,
): Worker<EncodeJob, void> {
  return createWorker("encode", redis, encodeJobSchema, work, choices);
}

/** Works on sign jobs until it is closed. */
export function createSignWorker(
  redis: Redis,
  work: (job: SignJob) => Promise<void>,
  choices: WorkerChoices,
): Worker<SignJob, void> {
  return createWorker("sign", redis, signJobSchema, work, choices);
}

/** Works on webhook jobs until it is closed. */
export function createWebhookWorker(
  redis: Redis,
  work: (job: WebhookJob) => Promise<void>,
  choices: WorkerChoices,
): Worker<WebhookJob, void> {
  return createWorker("webhook", redis, webhookJobSchema, work, choices);
}

/** A job that used up its attempts. */
export interface DeadJob {
  readonly id: string;
  readonly queue: string;
  /** The message of the last error. */
  readonly reason: string;
  readonly attempts: number;
  /** Milliseconds since the UNIX epoch. */
  readonly diedAtMs: number;
}

/** The newest `count` dead jobs of a queue. */
export async function deadJobs(
  queue: EncodeQueue | SignQueue | WebhookQueue,
  count: number,
): Promise<DeadJob[]> {
  const jobs: Job[] = await queue.getFailed(0, Math.min(count, DEAD_JOBS_MAX) - 1);
  return jobs.map((job) => ({
    id: job.id ?? "",
    queue: queue.name,
    reason: job.failedReason,
    attempts: job.attemptsMade,
    diedAtMs: job.finishedOn ?? job.timestamp,
  }));
}

function jobIdOf({ stream, block }: SegmentRecord): string {
  return `${stream}.${blockKey(block).replaceAll(":", "-")}`;
}

function createQueue<Data>(
  name: string,
  redis: Redis,
  defaultJobOptions: JobsOptions = JOB_OPTIONS,
): Queue<Data> {
  return new Queue<Data>(name, {
    connection: redis,
    prefix: BULL_PREFIX,
    defaultJobOptions,
    streams: { events: { maxLen: EVENTS_MAX } },
  });
}

function createWorker<Data>(
  name: string,
  redis: Redis,
  schema: z.ZodType<Data>,
  work: (job: Data) => Promise<void>,
  { concurrency }: WorkerChoices,
): Worker<Data, void> {
  const process = async ({ data }: Job<Data, void>) => {
    const checked = schema.safeParse(data);
    if (!checked.success) throw new UnrecoverableError(z.prettifyError(checked.error));
    await work(checked.data);
  };
  return new Worker<Data, void>(name, process, {
    connection: redis,
    prefix: BULL_PREFIX,
    concurrency,
    // A killed worker's jobs go back to the queue within lock + interval.
    lockDuration: 5000,
    stalledInterval: 2000,
    maxStalledCount: 100,
    runRetryDelay: 1000,
  });
}
