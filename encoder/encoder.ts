import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { DEFAULT_FEC_POLICY } from "../core/index.ts";
import { connectRedis, createEncodeQueue, enqueueUnsigned } from "../pipeline/index.ts";
import { startEncodeLoop } from "./encode-loop.ts";
import { EncoderThread } from "./encoder-thread.ts";

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

/** Codes segments on some threads, after it has taken up what a crash left undone. */
export async function runEncoder(options: EncoderOptions): Promise<Encoder> {
  const { redisUrl, mediaRoot, log, instance = String(process.pid) } = options;
  const threads = Math.min(options.threads ?? availableParallelism(), THREADS_MAX);
  const policy = {
    symbolBytesTarget: options.symbolBytesTarget ?? DEFAULT_FEC_POLICY.symbolBytesTarget,
    repairRatio: options.repairRatio ?? DEFAULT_FEC_POLICY.repairRatio,
  };
  await takeUpUnsigned(redisUrl, log);
  const shared = { redisUrl, mediaRoot, policy };
  const loops =
    threads === 0
      ? [startEncodeLoop({ ...shared, instance }, log)]
      : Array.from({ length: threads }, (_, thread) => {
          return new EncoderThread({ ...shared, instance: `${instance}.${thread}` }, log);
        });
  return {
    close: async () => {
      await Promise.all(loops.map((loop) => loop.close()));
    },
  };
}

async function takeUpUnsigned(redisUrl: string, log: Logger): Promise<void> {
  const redis = connectRedis(redisUrl);
  redis.on("error", (error) => log.error({ err: error }, "Redis connection"));
  const queue = createEncodeQueue(redis);
  const blocks = await enqueueUnsigned(redis, queue);
  if (blocks > 0) log.info({ blocks }, "took up blocks without a manifest");
  await queue.close();
  redis.disconnect();
}
