import { type BlockId, concatBytes, INIT_PART, type Manifest } from "../core/index.ts";
import { SegmentParts } from "../peer/index.ts";

/** A media segment, by which the same stretch of time has one number in every rendition. */
export interface Place {
  readonly rendition: number;
  /** Its EXT-X-MEDIA-SEQUENCE number. */
  readonly sequence: number;
}

/** A verified media segment. */
export interface VerifiedSegment extends Place {
  /** Those of its parts, in their order; one for a segment that was not split. */
  readonly manifests: readonly Manifest[];
  /** Not to be changed, and not to be given away: copy them. */
  readonly bytes: Uint8Array;
  /** How long its bytes were on their way, without what was waited for, milliseconds. */
  readonly transferMs: number;
}

/** A block that is complete. */
export interface Completed {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  /** How long it was on its way; undefined: from its manifest until now. */
  readonly transferMs?: number | undefined;
}

/** What is known of a media segment that is not here. */
interface Prospect {
  /** Of its part that was announced first. */
  readonly manifest: Manifest;
  readonly announcedAtMs: number;
  isLost: boolean;
  /** Of its parts that are here. */
  transferMs: number;
}

const SEGMENTS_MAX = 64;
const INITS_MAX = 8;

/** The verified segments of one rendition's live window, bounded by count and bytes; the oldest go first. */
export class SegmentStore {
  readonly rendition: number;
  readonly #bytesMax: number;
  readonly #parts = new SegmentParts();
  readonly #segments = new Map<number, VerifiedSegment>();
  readonly #inits = new Map<number, Uint8Array>();
  readonly #prospects = new Map<number, Prospect>();
  #newest = -1;
  #bytes = 0;

  constructor(bytesMax: number, rendition = 0) {
    this.rendition = rendition;
    this.#bytesMax = bytesMax;
  }

  /** A manifest was verified; its block is being collected. */
  announced(nowMs: number, manifest: Manifest): void {
    const { block } = manifest;
    if (!this.#isMedia(block) || this.#prospects.has(block.sequence)) return;
    this.#prospects.set(block.sequence, {
      manifest,
      announcedAtMs: nowMs,
      isLost: false,
      transferMs: 0,
    });
    this.#newest = Math.max(this.#newest, block.sequence);
    forgetFirst(this.#prospects, SEGMENTS_MAX);
  }

  /** A block is complete and verified. Gives its media segment once that is whole. */
  completed(
    nowMs: number,
    { manifest, bytes, transferMs }: Completed,
  ): VerifiedSegment | undefined {
    const { block } = manifest;
    if (block.rendition === this.rendition && block.part === INIT_PART) {
      this.#inits.set(block.sequence, bytes);
      forgetFirst(this.#inits, INITS_MAX);
    }
    if (!this.#isMedia(block) || this.#segments.has(block.sequence)) return undefined;
    const prospect = this.#prospects.get(block.sequence);
    const waitedMs = nowMs - (prospect?.announcedAtMs ?? nowMs);
    if (prospect !== undefined) prospect.transferMs += transferMs ?? waitedMs;
    const parts = this.#parts.add({ manifest, bytes });
    if (parts === undefined) return undefined;
    const segment = {
      rendition: block.rendition,
      sequence: block.sequence,
      manifests: parts.map((part) => part.manifest),
      bytes: parts.length === 1 ? bytes : concatBytes(...parts.map((part) => part.bytes)),
      transferMs: Math.max(1, prospect?.transferMs ?? 0),
    };
    this.#segments.set(segment.sequence, segment);
    this.#bytes += segment.bytes.length;
    this.#evict();
    return segment;
  }

  /** A block was given up. */
  lost(block: BlockId): void {
    const prospect = this.#isMedia(block) ? this.#prospects.get(block.sequence) : undefined;
    if (prospect !== undefined) prospect.isLost = true;
    if (this.#isMedia(block)) this.#parts.forget(block);
  }

  segment(sequence: number): VerifiedSegment | undefined {
    return this.#segments.get(sequence);
  }

  /** The init segment of this number. */
  init(sequence: number): Uint8Array | undefined {
    return this.#inits.get(sequence);
  }

  /** The manifest of a segment that is one block, is not here and has not been given up. */
  wanted(sequence: number): Manifest | undefined {
    const prospect = this.#prospects.get(sequence);
    if (prospect === undefined || prospect.isLost || this.#segments.has(sequence)) return undefined;
    const { manifest } = prospect;
    return manifest.block.part === 0 && manifest.last ? manifest : undefined;
  }

  /** Whether a segment that is not here is on its way, or newer than all that were announced. */
  isComing(sequence: number): boolean {
    if (this.#segments.has(sequence) || this.#newest < 0) return false;
    if (sequence > this.#newest) return true;
    return this.#prospects.get(sequence)?.isLost === false;
  }

  #isMedia({ rendition, part }: BlockId): boolean {
    return rendition === this.rendition && part !== INIT_PART;
  }

  #evict(): void {
    while (this.#segments.size > 1) {
      if (this.#segments.size <= SEGMENTS_MAX && this.#bytes <= this.#bytesMax) return;
      const oldest = Math.min(...this.#segments.keys());
      this.#bytes -= this.#segments.get(oldest)?.bytes.length ?? 0;
      this.#segments.delete(oldest);
      this.#parts.forgetBefore(oldest);
    }
  }
}

function forgetFirst(map: Map<number, unknown>, sizeMax: number): void {
  for (const key of map.keys()) {
    if (map.size <= sizeMax) return;
    map.delete(key);
  }
}
