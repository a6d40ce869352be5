import { bestKernel, type FecPolicy } from "../core/index.ts";
import { BlockStore, type SegmentRecord, type SignJob } from "../pipeline/index.ts";
import { codeBlock } from "./block-coding.ts";
import { BlockMemory } from "./block-memory.ts";

/** What a coder needs; survives the way into a thread. */
export interface BlockCoderOptions {
  readonly mediaRoot: string;
  readonly policy: FecPolicy;
}

/** What the signer must know of a coded block; the rest is in the block store. */
export type CodedBlockSummary = Pick<SignJob, "sha256" | "fec">;

const WARM_UP_BYTES = 524_288;
const WARM_UP_ROUNDS = 15;

/**
 * Codes blocks of the store, one at a time and in the same memory: leaves repair symbols and leaf
 * hashes beside them. It waits for the processor and the disk, some milliseconds a block: give it a
 * thread of its own.
 */
export class BlockCoder {
  readonly #policy: FecPolicy;
  readonly #store: BlockStore;
  readonly #kernel = bestKernel();
  readonly #memory = new BlockMemory(this.#kernel.workspace);

  constructor({ mediaRoot, policy }: BlockCoderOptions) {
    this.#policy = policy;
    this.#store = new BlockStore(mediaRoot);
    this.#warmUp();
  }

  /** Throws StarlingError "block-missing" or "block-truncated". */
  async code(record: SegmentRecord): Promise<CodedBlockSummary> {
    const block = this.#memory.load(record.byteLength, this.#policy, (target) =>
      this.#store.readBlockInto(record, target),
    );
    const { sha256, repair, leaves } = codeBlock(block, this.#kernel);
    await this.#store.writeCoded(record, { repair, leaves });
    return { sha256, fec: block.fec };
  }

  /** Codes some zeros: the first blocks of fresh code would take several times as long as the rest. */
  #warmUp(): void {
    const zeros = this.#memory.load(WARM_UP_BYTES, this.#policy, (target) => target.fill(0));
    for (let round = 0; round < WARM_UP_ROUNDS; round++) codeBlock(zeros, this.#kernel);
  }
}
