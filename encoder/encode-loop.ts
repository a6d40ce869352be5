import type { Logger } from "pino";
import { bestKernel, type FecKernel, type FecPolicy } from "../core/index.ts";
import {
  BlockStore,
  connectRedis,
  createEncodeQueue,
  createEncodeWorker,
  createSignQueue,
  type EncodeJob,
  enqueueSign,
  JobMeter,
  startHeartbeat,
} from "../pipeline/index.ts";
import { codeBlock } from "./block-coding.ts";
import { BlockMemory } from "./block-memory.ts";

/** What a loop needs; survives the way into a thread. */
export interface EncodeLoopOptions {
  readonly redisUrl: string;
  readonly mediaRoot: string;
  readonly policy: FecPolicy;
  /** Names this loop among the encoders of the origin. */
  readonly instance: string;
}

export interface EncodeLoop {
  /** Ends the job in work, then the connections. */
  close(): Promise<void>;
}

/** One job is coded while the Redis commands of another are under way. */
const CONCURRENCY = 2;

/**
 * Takes encode jobs, leaves repair symbols and leaf hashes in the block store, adds sign jobs. Coding
 * and files keep the event loop busy for some milliseconds per job: give the loop its own thread.
 */
export function startEncodeLoop(
  { redisUrl, mediaRoot, policy, instance }: EncodeLoopOptions,
  log: Logger,
): EncodeLoop {
  const redis = connectRedis(redisUrl);
  redis.on("error", (error) => log.error({ err: error }, "Redis connection"));
  const encodeQueue = createEncodeQueue(redis);
  const signQueue = createSignQueue(redis);
  const store = new BlockStore(mediaRoot);
  const kernel = bestKernel();
  const memory = new BlockMemory(kernel.workspace);
  const meter = new JobMeter();
  warmUp(memory, policy, kernel);

  const encode = async ({ record }: EncodeJob) => {
    const block = memory.load(record.byteLength, policy, (target) =>
      store.readBlockInto(record, target),
    );
    const { sha256, repair, leaves } = codeBlock(block, kernel);
    await store.writeCoded(record, { repair, leaves });
    const { fec } = block;
    await enqueueSign(signQueue, { record, sha256, fec });
  };
  const worker = createEncodeWorker(redis, (job) => meter.measure(() => encode(job)), {
    concurrency: CONCURRENCY,
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
      await Promise.all([encodeQueue.close(), signQueue.close()]);
      redis.disconnect();
    },
  };
}

const WARM_UP_BYTES = 524_288;
const WARM_UP_ROUNDS = 15;

/** Codes some zeros: the first blocks of fresh code would take several times as long as the rest. */
function warmUp(memory: BlockMemory, policy: FecPolicy, kernel: FecKernel): void {
  const zeros = memory.load(WARM_UP_BYTES, policy, (target) => target.fill(0));
  for (let round = 0; round < WARM_UP_ROUNDS; round++) codeBlock(zeros, kernel);
}
