import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { DEFAULT_FEC_POLICY } from "../core/index.ts";
import {
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
import { createCodingPool } from "./coding-pool.ts";

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
/** While a thread codes one job, the Redis commands of another are under way. */
const JOBS_PER_THREAD = 2;

/**
 * Takes encode jobs, has some threads leave repair symbols and leaf hashes in the block store, and
 * adds sign jobs; first those that a crash left undone.
 */
export async function runEncoder(options: EncoderOptions): Promise<Encoder> {
  const { redisUrl, mediaRoot, log, instance = String(process.pid) } = options;
  const threads = Math.min(options.threads ?? availableParallelism(), THREADS_MAX);
  const policy = {
    symbolBytesTarget: options.symbolBytesTarget ?? DEFAULT_FEC_POLICY.symbolBytesTarget,
    repairRatio: options.repairRatio ?? DEFAULT_FEC_POLICY.repairRatio,
  };
  const redis = connectRedis(redisUrl);
  redis.on("error", (error) => log.error({ err: error }, "Redis connection"));
  const encodeQueue = createEncodeQueue(redis);
  const signQueue = createSignQueue(redis);
  const pool = createCodingPool(threads, { mediaRoot, policy }, log);
  const meter = new JobMeter();
  const blocks = await enqueueUnsigned(redis, encodeQueue);
  if (blocks > 0) log.info({ blocks }, "took up blocks without a manifest");

  const encode = async ({ record }: EncodeJob) => {
    const summary = await pool.code(record);
    await enqueueSign(signQueue, { record, ...summary });
  };
  const worker = createEncodeWorker(redis, (job) => meter.measure(() => encode(job)), {
    concurrency: JOBS_PER_THREAD * Math.max(threads, 1),
  });
  worker.on("error", (error) => log.error({ err: error }, "encode worker"));
  worker.on("failed", (job, error) => log.warn({ job: job?.id, err: error }, "encode job failed"));

  const stats = async () => ({
    ...meter.stats(),
    waiting: await encodeQueue.getWaitingCount(),
    dead: await encodeQueue.getFailedCount(),
  });
  const stopHeartbeat = startHeartbeat({ redis, name: "encoder", instance }, stats, log);
  return {
    close: async () => {
      stopHeartbeat();
      await worker.close();
      await Promise.all([pool.close(), encodeQueue.close(), signQueue.close()]);
      redis.disconnect();
    },
  };
}
