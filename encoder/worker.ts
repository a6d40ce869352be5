import { constants, setPriority } from "node:os";
import { workerData } from "piscina";
import type { SegmentRecord } from "../pipeline/index.ts";
import { BlockCoder, type BlockCoderOptions, type CodedBlockSummary } from "./block-coder.ts";

/** The entry of a coding thread. The pool calls `code`. */

// On a full machine coding gives way to those who answer at once: the API, RTMP and Redis.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const coder = new BlockCoder(workerData as BlockCoderOptions);

/** Codes one block. */
export function code(record: SegmentRecord): Promise<CodedBlockSummary> {
  return coder.code(record);
}
