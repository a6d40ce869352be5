import {
  after,
  blockKey,
  INIT_PART,
  type InstantMs,
  instantMs,
  type Manifest,
} from "../core/index.ts";
import type { BlockPort, SymbolDecoder } from "./block-port.ts";
import { INIT_BLOCKS_MAX, MEDIA_BLOCKS_MAX } from "./limits.ts";

/** Where the symbols of a block come from when a neighbour asks for one. */
export interface SymbolSource {
  has(esi: number): boolean;
  symbol(esi: number): Uint8Array | undefined;
}

/** A block whose manifest was verified. */
export interface Block {
  readonly key: string;
  readonly manifest: Manifest;
  readonly jws: string;
  readonly leaves: readonly Uint8Array[];
  /** After this a viewer has no more use for it. An init segment is of use as long as it is needed. */
  readonly deadline: InstantMs;
  symbols: SymbolSource;
  /** Collects symbols; undefined once the block is complete or given up. */
  decoder: SymbolDecoder | undefined;
  /** Symbols that a neighbour was asked for and did not send in time. */
  readonly lapsed: Set<number>;
  /** Verified symbols that were not announced yet. */
  unannounced: number[];
}

const NEVER = instantMs(Number.POSITIVE_INFINITY);

/** What a block costs in memory, in bytes. */
function weightOf({ manifest: { fec } }: Block): number {
  return fec.n * fec.symbolBytes;
}

/** The live window of blocks, bounded by count and by bytes. The oldest media block goes first. */
export class BlockCache {
  readonly #blocks = new Map<string, Block>();
  readonly #bytesMax: number;
  readonly #maxDelayMs: number;
  readonly #port: BlockPort;
  readonly #onEvict: (block: Block) => void;
  #bytes = 0;

  constructor(
    {
      limits,
      blocks,
    }: {
      readonly limits: { readonly cacheBytesMax: number; readonly maxDelayMs: number };
      readonly blocks: BlockPort;
    },
    onEvict: (block: Block) => void,
  ) {
    this.#bytesMax = limits.cacheBytesMax;
    this.#maxDelayMs = limits.maxDelayMs;
    this.#port = blocks;
    this.#onEvict = onEvict;
  }

  get(key: string): Block | undefined {
    return this.#blocks.get(key);
  }

  /** Whether the cache holds the very block that `announced` is about. */
  has({ manifest }: AnnouncedBlock): boolean {
    return this.#blocks.has(blockKey(manifest.block));
  }

  values(): IterableIterator<Block> {
    return this.#blocks.values();
  }

  /** Adds a block to be collected. Gives undefined when it is older than all that a full cache holds. */
  addWanted(now: InstantMs, announced: AnnouncedBlock): Block | undefined {
    const decoder = this.#port.decoder(announced.manifest);
    return this.#add(now, announced, decoder, decoder);
  }

  /** Adds a block that is complete from the start. */
  addPublished(
    now: InstantMs,
    announced: AnnouncedBlock,
    symbols: readonly Uint8Array[],
  ): Block | undefined {
    return this.#add(now, announced, publishedSymbols(symbols), undefined);
  }

  /** The newest `count` media blocks and the init segments that they need, oldest first. */
  newest(count: number): Block[] {
    const picked = this.#sorted((block) => !isInit(block)).slice(-count);
    return [...this.initsOf(picked), ...picked];
  }

  /** The init segments that these media blocks need. */
  initsOf(media: readonly Block[]): Block[] {
    return this.#sorted((block) => isNeededBy(block, media));
  }

  /** Whether some media block in the cache needs this init segment. */
  isNeeded(init: Block): boolean {
    return isNeededBy(init, [...this.#blocks.values()]);
  }

  #add(
    now: InstantMs,
    announced: AnnouncedBlock,
    symbols: SymbolSource,
    decoder: SymbolDecoder | undefined,
  ): Block | undefined {
    const block: Block = {
      ...announced,
      key: blockKey(announced.manifest.block),
      deadline: isInit(announced) ? NEVER : after(now, this.#maxDelayMs),
      symbols,
      decoder,
      lapsed: new Set(),
      unannounced: [],
    };
    this.#blocks.set(block.key, block);
    this.#bytes += weightOf(block);
    this.#evict();
    return this.#blocks.get(block.key);
  }

  #evict(): void {
    const inits = this.#sorted(isInit);
    for (const block of inits.slice(0, -INIT_BLOCKS_MAX)) this.#delete(block);
    const media = this.#sorted((block) => !isInit(block));
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
    this.#bytes -= weightOf(block);
    this.#onEvict(block);
  }
}

/** A verified manifest with its leaves. */
export interface AnnouncedBlock {
  readonly manifest: Manifest;
  readonly jws: string;
  readonly leaves: readonly Uint8Array[];
}

/** Whether it is an init segment. */
export function isInit({ manifest }: AnnouncedBlock): boolean {
  return manifest.block.part === INIT_PART;
}

function bySequence(a: Block, b: Block): number {
  return a.manifest.block.sequence - b.manifest.block.sequence;
}

function isNeededBy(init: Block, media: readonly Block[]): boolean {
  if (!isInit(init)) return false;
  return media.some(
    ({ manifest }) =>
      manifest.block.rendition === init.manifest.block.rendition &&
      manifest.init?.sequence === init.manifest.block.sequence &&
      manifest.init.sha256 === init.manifest.sha256,
  );
}

function publishedSymbols(symbols: readonly Uint8Array[]): SymbolSource {
  return { has: (esi) => esi < symbols.length, symbol: (esi) => symbols[esi] };
}
