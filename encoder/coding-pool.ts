import type { Logger } from "pino";
import { Piscina } from "piscina";
import type { SegmentRecord } from "../pipeline/index.ts";
import { BlockCoder, type BlockCoderOptions, type CodedBlockSummary } from "./block-coder.ts";

const THREAD_FILE = new URL("./worker.js", import.meta.url);

/** Codes blocks, several at a time. */
export interface CodingPool {
  /** Rejects as BlockCoder.code does, and when the thread dies; another takes its place. */
  code(record: SegmentRecord): Promise<CodedBlockSummary>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** A pool of `threads` threads, all of them ready at once; of none, it codes on the event loop. */
export function createCodingPool(
  threads: number,
  options: BlockCoderOptions,
  log: Logger,
): CodingPool {
  if (threads === 0) {
    const coder = new BlockCoder(options);
    return { code: (record) => coder.code(record), close: async () => undefined };
  }
  const pool = new Piscina<SegmentRecord, CodedBlockSummary>({
    filename: THREAD_FILE.href,
    name: "code",
    minThreads: threads,
    maxThreads: threads,
    workerData: options,
  });
  pool.on("error", (error) => log.error({ err: error }, "a coding thread died"));
  return { code: (record) => pool.run(record), close: () => pool.destroy() };
}
