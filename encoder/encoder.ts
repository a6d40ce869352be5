import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { DEFAULT_FEC_POLICY, type FecPolicy } from "../core/index.ts";
import {
  BlockStore,
  connectRedis,
  createEncodeQueue,
  createEncodeWorker,
  createSignQueue,
  type EncodeJob,
  enqueueSign,
  enqueueUnsigned,
  JobMeter,
  startHeartbeat,
} from "../pipeline/index.ts";
import { type CodingResult, type CodingTask, runCodingTask } from "./coding-task.ts";
import { CodingThreads } from "./coding-threads.ts";

export interface EncoderOptions {
  readonly redisUrl: string;
  readonly mediaRoot: string;
  readonly log: Logger;
  /** Coding threads; 0 codes on the event loop, for tests that run from sources. */
  readonly threads?: number | undefined;
  /** Repair symbols per source symbol. */
  readonly repairRatio?: number | undefined;
  readonly symbolBytesTarget?: number | undefined;
  /** Names this process among the encoders of the origin. */
  readonly instance?: string | undefined;
}

export interface Encoder {
  /** Ends the jobs in work, then the threads and the connections. */
  close(): Promise<void>;
}

const THREADS_MAX = 16;
/** Jobs per thread: one in work, one whose files and Redis commands are under way. */
const JOBS_PER_THREAD = 2;

/** Codes segments: takes encode jobs, leaves repair symbols and leaf hashes, adds sign jobs. */
export async function runEncoder(options: EncoderOptions): Promise<Encoder> {
  const { log, mediaRoot, instance = String(process.pid) } = options;
  const threads = Math.min(options.threads ?? availableParallelism(), THREADS_MAX);
  const policy: FecPolicy = {
    symbolBytesTarget: options.symbolBytesTarget ?? DEFAULT_FEC_POLICY.symbolBytesTarget,
    repairRatio: options.repairRatio ?? DEFAULT_FEC_POLICY.repairRatio,
  };
  const redis = connectRedis(options.redisUrl);
  redis.on("error", (error) => log.error({ err: error }, "Redis connection"));
  const encodeQueue = createEncodeQueue(redis);
  const signQueue = createSignQueue(redis);
  const store = new BlockStore(mediaRoot);
  const coder = createCoder(threads, { mediaRoot, policy });
  const meter = new JobMeter();
  let codingMs = 0;

  const work = async ({ record }: EncodeJob) => {
    const { path, byteLength } = record;
    const { fec, sha256, ...coded } = await meter.measure(() => coder.run({ path, byteLength }));
    codingMs += coded.codingMs;
    await enqueueSign(signQueue, { record, sha256, fec, leaves: store.leavesPath(record) });
  };
  const concurrency = Math.max(1, threads) * JOBS_PER_THREAD;
  const worker = createEncodeWorker(redis, work, { concurrency });
  worker.on("error", (error) => log.error({ err: error }, "encode worker"));
  worker.on("failed", (job, error) => log.warn({ job: job?.id, err: error }, "encode job failed"));
  const waiting = await enqueueUnsigned(redis, encodeQueue);
  if (waiting > 0) log.info({ blocks: waiting }, "taking up blocks without a manifest");

  const stats = async () => ({
    ...meter.stats(),
    codingMs,
    waiting: await encodeQueue.getWaitingCount(),
    dead: await encodeQueue.getFailedCount(),
  });
  const stopHeartbeat = startHeartbeat({ redis, name: "encoder", instance }, stats, log);
  return {
    close: async () => {
      stopHeartbeat();
      await worker.close();
      await coder.close();
      await Promise.all([encodeQueue.close(), signQueue.close()]);
      redis.disconnect();
    },
  };
}

interface Coder {
  run(task: CodingTask): Promise<CodingResult>;
  close(): Promise<void>;
}

function createCoder(
  threads: number,
  options: { readonly mediaRoot: string; readonly policy: FecPolicy },
): Coder {
  if (threads > 0) return new CodingThreads(threads, options);
  return { run: (task) => runCodingTask(task, options), close: async () => {} };
}
