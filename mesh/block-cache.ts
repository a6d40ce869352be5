import { after, type BlockId, INIT_PART, type InstantMs, instantMs } from "../core/index.ts";
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
  /** Oldest first. */
  readonly #media: Block[] = [];
  readonly #inits: Block[] = [];
  readonly #byJws = new Map<string, Block>();
  /** What was to be collected when that was last asked, and what came since. */
  #wanted: Block[] = [];
  readonly #bytesMax: number;
  readonly #maxDelayMs: number;
  readonly #port: BlockPort;
  readonly #onEvict: (block: Block) => void;
  #bytes = 0;

  /** `onEvict` is told of each block that goes. */
  constructor({ blocks, limits }: BlockCacheOptions, onEvict: (block: Block) => void) {
    this.#bytesMax = limits.cacheBytesMax;
    this.#maxDelayMs = limits.maxDelayMs;
    this.#port = blocks;
    this.#onEvict = onEvict;
  }

  get blockCount(): number {
    return this.#byJws.size;
  }

  /** What the symbols of all blocks take, at the most. */
  get byteLength(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#byJws.size === 0;
  }

  /** The block of this id, if it is here. Most are asked for while they are new. */
  get(id: BlockId): Block | undefined {
    const blocks = id.part === INIT_PART ? this.#inits : this.#media;
    for (let at = blocks.length - 1; at >= 0; at--) {
      const block = blocks[at] as Block;
      if (block.id === id || isSame(block.id, id)) return block;
    }
    return undefined;
  }

  /** The block of this very manifest, if it is here. */
  find(jws: string): Block | undefined {
    return this.#byJws.get(jws);
  }

  /** All blocks. */
  values(): Iterable<Block> {
    return this.#byJws.values();
  }

  /** The blocks to collect, oldest first. An init segment is wanted once a media block needs it. */
  wanted(): readonly Block[] {
    this.#wanted = this.#wanted.filter(({ isWanted }) => isWanted);
    return this.#wanted.filter((block) => !block.isInit || this.isNeeded(block));
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
    return this.#media.toReversed();
  }

  /** The init segment that a media block needs, if it is here. */
  initOf({ id, manifest }: Block): Block | undefined {
    if (manifest.init === null) return undefined;
    const { sequence, sha256 } = manifest.init;
    const init = this.get({ ...id, sequence, part: INIT_PART });
    return init?.manifest.sha256 === sha256 ? init : undefined;
  }

  /** Whether some media block in the cache needs this init segment. */
  isNeeded(init: Block): boolean {
    return this.#media.some((block) => this.initOf(block) === init);
  }

  #add(
    releasedAt: InstantMs,
    announced: AnnouncedBlock,
    symbols: ConstructorParameters<typeof Block>[2],
  ): Block | undefined {
    const isInit = announced.manifest.block.part === INIT_PART;
    const deadline = isInit ? NEVER : after(releasedAt, this.#maxDelayMs);
    const block = new Block(announced, { releasedAt, deadline }, symbols);
    insert(isInit ? this.#inits : this.#media, block);
    if (block.isWanted) insert(this.#wanted, block);
    this.#byJws.set(block.jws, block);
    this.#bytes += block.weight;
    this.#evict();
    return this.#byJws.has(block.jws) ? block : undefined;
  }

  #evict(): void {
    const inits = this.#inits;
    while (inits.length > INIT_BLOCKS_MAX) this.#delete(inits.shift());
    const media = this.#media;
    while (media.length > MEDIA_BLOCKS_MAX || (this.#bytes > this.#bytesMax && media.length > 1)) {
      this.#delete(media.shift());
    }
  }

  #delete(block: Block | undefined): void {
    if (block === undefined) return;
    this.#byJws.delete(block.jws);
    this.#bytes -= block.weight;
    this.#onEvict(block);
  }
}

/** Puts a block behind all that are not newer. */
function insert(blocks: Block[], block: Block): void {
  const olderAt = blocks.findLastIndex((other) => compareBlocks(block, other) >= 0);
  blocks.splice(olderAt + 1, 0, block);
}

function isSame(a: BlockId, b: BlockId): boolean {
  return a.sequence === b.sequence && a.part === b.part && a.rendition === b.rendition;
}

function compareBlocks(a: Block, b: Block): number {
  return a.id.sequence - b.id.sequence || orderOf(a) - orderOf(b);
}

/** An init segment comes before the first media block that needs it. */
function orderOf({ isInit, id }: Block): number {
  return isInit ? -1 : id.part;
}
