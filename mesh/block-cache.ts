import {
  after,
  blockKey,
  INIT_PART,
  type InstantMs,
  instantMs,
  type Manifest,
} from "../core/index.ts";
import { type AnnouncedBlock, Block } from "./block.ts";
import type { BlockPort } from "./block-port.ts";
import { INIT_BLOCKS_MAX, MEDIA_BLOCKS_MAX } from "./limits.ts";

const NEVER = instantMs(Number.POSITIVE_INFINITY);

export interface BlockCacheOptions {
  readonly blocks: BlockPort;
  readonly limits: { readonly cacheBytesMax: number; readonly maxDelayMs: number };
}

/** The live window of blocks, bounded by count and by bytes. The oldest media block goes first. */
export class BlockCache {
  readonly #blocks = new Map<string, Block>();
  readonly #bytesMax: number;
  readonly #maxDelayMs: number;
  readonly #port: BlockPort;
  readonly #onEvict: (block: Block) => void;
  #bytes = 0;
  /** Blocks that were wanted when one was last added, oldest first. */
  #wanted: readonly Block[] | undefined;

  /** `onEvict` is told of each block that goes. */
  constructor({ blocks, limits }: BlockCacheOptions, onEvict: (block: Block) => void) {
    this.#bytesMax = limits.cacheBytesMax;
    this.#maxDelayMs = limits.maxDelayMs;
    this.#port = blocks;
    this.#onEvict = onEvict;
  }

  get blockCount(): number {
    return this.#blocks.size;
  }

  /** What the symbols of all blocks take, at the most. */
  get byteLength(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0;
  }

  get(key: string): Block | undefined {
    return this.#blocks.get(key);
  }

  /** Whether the cache holds the block that `manifest` is about. */
  has(manifest: Manifest): boolean {
    return this.#blocks.has(blockKey(manifest.block));
  }

  values(): IterableIterator<Block> {
    return this.#blocks.values();
  }

  /** The blocks to collect, oldest first. An init segment is wanted once a media block needs it. */
  wanted(): readonly Block[] {
    this.#wanted ??= this.#sorted(({ isWanted }) => isWanted);
    return this.#wanted.filter(
      (block) => block.isWanted && (!block.isInit || this.isNeeded(block)),
    );
  }

  /** Adds a block to be collected. Gives undefined when it is older than all that a full cache holds. */
  addWanted(releasedAt: InstantMs, announced: AnnouncedBlock): Block | undefined {
    return this.#add(releasedAt, announced, this.#port.decoder(announced.manifest));
  }

  /** Adds a block that is complete from the start. */
  addPublished(
    releasedAt: InstantMs,
    announced: AnnouncedBlock,
    symbols: readonly Uint8Array[],
  ): Block | undefined {
    return this.#add(releasedAt, announced, symbols);
  }

  /** The media blocks, the newest first. */
  newestFirst(): readonly Block[] {
    return this.#sorted((block) => !block.isInit).reverse();
  }

  /** The init segment that a media block needs, if it is here. */
  initOf({ id, manifest }: Block): Block | undefined {
    if (manifest.init === null) return undefined;
    const { sequence, sha256 } = manifest.init;
    const init = this.#blocks.get(blockKey({ ...id, sequence, part: INIT_PART }));
    return init?.manifest.sha256 === sha256 ? init : undefined;
  }

  /** Whether some media block in the cache needs this init segment. */
  isNeeded(init: Block): boolean {
    for (const block of this.#blocks.values()) if (this.initOf(block) === init) return true;
    return false;
  }

  #add(
    releasedAt: InstantMs,
    announced: AnnouncedBlock,
    symbols: ConstructorParameters<typeof Block>[3],
  ): Block | undefined {
    const isInit = announced.manifest.block.part === INIT_PART;
    const deadline = isInit ? NEVER : after(releasedAt, this.#maxDelayMs);
    const key = blockKey(announced.manifest.block);
    const block = new Block(announced, key, { releasedAt, deadline }, symbols);
    this.#blocks.set(key, block);
    this.#wanted = undefined;
    this.#bytes += block.weight;
    this.#evict();
    return this.#blocks.get(key);
  }

  #evict(): void {
    const inits = this.#sorted((block) => block.isInit);
    for (const block of inits.slice(0, -INIT_BLOCKS_MAX)) this.#delete(block);
    const media = this.#sorted((block) => !block.isInit);
    while (media.length > MEDIA_BLOCKS_MAX || (this.#bytes > this.#bytesMax && media.length > 1)) {
      const oldest = media.shift();
      if (oldest !== undefined) this.#delete(oldest);
    }
  }

  #sorted(isPicked: (block: Block) => boolean): Block[] {
    return [...this.#blocks.values()].filter(isPicked).sort(bySequence);
  }

  #delete(block: Block): void {
    this.#blocks.delete(block.key);
    this.#wanted = undefined;
    this.#bytes -= block.weight;
    this.#onEvict(block);
  }
}

function bySequence(a: Block, b: Block): number {
  return a.id.sequence - b.id.sequence || orderOf(a) - orderOf(b);
}

/** An init segment comes before the first media block that needs it. */
function orderOf({ isInit, id }: Block): number {
  return isInit ? -1 : id.part;
}
