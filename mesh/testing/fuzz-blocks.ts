import {
  type BlockId,
  blockKey,
  INIT_PART,
  type InstantMs,
  type Random,
} from "../../core/index.ts";
import type { Input } from "../mesh-io.ts";
import { initSegment, segmentOf, TestOrigin } from "./test-origin.ts";

/** A block as the origin made it. */
export interface FuzzBlock {
  readonly id: BlockId;
  readonly source: Uint8Array;
  readonly published: Extract<Input, { kind: "publish" }>;
}

const BLOCK_EVERY_MS = 500;
const BLOCKS_MAX = 8;
const RENDITIONS = 3;

/** The newest blocks of a stream with three renditions, some of which a peer follows. */
export class FuzzBlocks {
  readonly origin: TestOrigin = new TestOrigin();
  readonly #random: Random;
  readonly #sources = new Map<string, Uint8Array>();
  #blocks: FuzzBlock[] = [];
  #madeAt: number = Number.NEGATIVE_INFINITY;
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One of the newest blocks; a new one is made each half second. */
  pick(now: InstantMs): FuzzBlock {
    if (now - this.#madeAt >= BLOCK_EVERY_MS) this.#make(now);
    return this.#random.pick(this.#blocks) as FuzzBlock;
  }

  /** The right bytes of a block, if it was made. */
  sourceOf(id: BlockId): Uint8Array | undefined {
    return this.#sources.get(blockKey(id));
  }

  #make(now: InstantMs): void {
    this.#madeAt = now;
    const sequence = this.#sequence++;
    const rendition = this.#random.below(RENDITIONS);
    this.#add(now, { rendition, sequence, part: 0 }, segmentOf(sequence % 100, 12_000));
    if (sequence % 16 === 0)
      this.#add(now, { rendition, sequence: 0, part: INIT_PART }, initSegment());
    for (const { id } of this.#blocks.slice(0, -BLOCKS_MAX)) {
      if (id.part !== INIT_PART) this.#sources.delete(blockKey(id));
    }
    this.#blocks = this.#blocks.slice(-BLOCKS_MAX);
  }

  #add(now: InstantMs, id: BlockId, source: Uint8Array): void {
    this.#blocks.push({ id, source, published: this.origin.block(now, id, source) });
    this.#sources.set(blockKey(id), source);
  }
}
