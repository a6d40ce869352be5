import { BLOCK_BYTES_MAX, chooseFec, type FecPolicy } from "../core/index.ts";
import type { PaddedBlock } from "./block-coding.ts";

const STEP_BYTES = 1_048_576;

/**
 * Memory for one block at a time, used again for the next. Fresh memory for every block would cost
 * more than reading the block: the system must clear each page of it.
 */
export class BlockMemory {
  #bytes: Uint8Array;

  /** In `workspace`, that of the kernel which codes the blocks, or in memory that grows as it must. */
  constructor(workspace: Uint8Array = new Uint8Array(STEP_BYTES)) {
    this.#bytes = workspace;
  }

  /** A block of `byteLength` bytes that `read` fills in. Valid until the next call. */
  load(byteLength: number, policy: FecPolicy, read: (target: Uint8Array) => void): PaddedBlock {
    const fec = chooseFec(byteLength, policy);
    const paddedLength = fec.k * fec.symbolBytes;
    if (paddedLength > this.#bytes.length) {
      const steps = Math.ceil(paddedLength / STEP_BYTES);
      this.#bytes = new Uint8Array(Math.min(steps * STEP_BYTES, BLOCK_BYTES_MAX));
    }
    const padded = this.#bytes.subarray(0, paddedLength);
    read(padded.subarray(0, byteLength));
    padded.fill(0, byteLength);
    return { padded, byteLength, fec };
  }
}
