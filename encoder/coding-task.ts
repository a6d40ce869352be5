import { type FecParameters, type FecPolicy, plainKernel } from "../core/index.ts";
import { BlockStore } from "../pipeline/index.ts";
import { codeBlock } from "./block-coding.ts";

/** One block to code, from file to files. */
export interface CodingTask {
  /** Relative to the media root. */
  readonly path: string;
  readonly byteLength: number;
}

export interface CodingResult {
  readonly fec: FecParameters;
  /** SHA-256 of the block's bytes, base64url. */
  readonly sha256: string;
  /** Milliseconds of the thread's time in coding and hashing, without file access. */
  readonly codingMs: number;
}

export interface CodingOptions {
  readonly mediaRoot: string;
  readonly policy: FecPolicy;
}

/** Reads a segment, codes it, and writes its repair symbols and leaf hashes beside it. */
export async function runCodingTask(
  task: CodingTask,
  { mediaRoot, policy }: CodingOptions,
): Promise<CodingResult> {
  const store = new BlockStore(mediaRoot);
  const bytes = await store.readSegment(task);
  const startedAt = performance.now();
  const { fec, sha256, repair, leaves } = codeBlock(bytes, policy, plainKernel);
  const codingMs = performance.now() - startedAt;
  await store.writeCoded(task, { repair, leaves });
  return { fec, sha256, codingMs };
}
