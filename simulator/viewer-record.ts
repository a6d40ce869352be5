import { assert } from "../core/index.ts";

/** Blocks that are remembered for each viewer; more than are in play at any time. */
export const RECORD_BLOCKS_MAX = 128;
const WORDS_PER_BLOCK = 8;
/** A joined viewer can start to play once it holds this much media in a row. */
const START_BUFFER_MS = 1000;
/** The smoothing of the mean hop count. */
const HOP_WEIGHT = 0.05;

/** What happened to a symbol that a viewer received. */
export type SymbolFate = "useful" | "duplicate" | "surplus" | "old";

/** What one viewer holds of the last blocks, and when it came to play. Seen from outside its peer. */
export class ViewerRecord {
  readonly joinedAt: number;
  /** When it could start to play; undefined before. */
  startedAt: number | undefined;
  /** The first block that it plays, by number. */
  firstPlayed = 0;
  /** Blocks past its first 10 s that were settled, and those of them that missed the deadline. */
  settled = 0;
  missed = 0;
  /** Blocks since its start that its player had to stop for. */
  stalls = 0;
  /** Mean number of hops that its symbols made. */
  hop = 0;
  readonly #numbers = new Int32Array(RECORD_BLOCKS_MAX).fill(-1);
  readonly #completedAt = new Float64Array(RECORD_BLOCKS_MAX);
  readonly #usefulBytes = new Int32Array(RECORD_BLOCKS_MAX);
  readonly #held = new Uint32Array(RECORD_BLOCKS_MAX * WORDS_PER_BLOCK);

  constructor(joinedAt: number) {
    this.joinedAt = joinedAt;
  }

  /** When it completed a block; infinite if it has not. */
  completedAt(number: number): number {
    const slot = number % RECORD_BLOCKS_MAX;
    if (this.#numbers[slot] !== number) return Number.POSITIVE_INFINITY;
    return this.#completedAt[slot] as number;
  }

  /** Bytes of symbols that it holds of a block. */
  usefulBytes(number: number): number {
    const slot = number % RECORD_BLOCKS_MAX;
    return this.#numbers[slot] === number ? (this.#usefulBytes[slot] as number) : 0;
  }

  /** Takes note of a right symbol. */
  receive(number: number, esi: number, byteLength: number): SymbolFate {
    const slot = this.#slotOf(number);
    if (slot < 0) return "old";
    const word = slot * WORDS_PER_BLOCK + (esi >>> 5);
    const bit = 1 << (esi & 31);
    const held = this.#held[word] as number;
    if ((held & bit) !== 0) return "duplicate";
    this.#held[word] = held | bit;
    if (this.#completedAt[slot] !== Number.POSITIVE_INFINITY) return "surplus";
    this.#usefulBytes[slot] = (this.#usefulBytes[slot] as number) + byteLength;
    return "useful";
  }

  /** A symbol came that had made `hops` hops to its sender. */
  cameFrom(hops: number): void {
    this.hop += (hops + 1 - this.hop) * (this.hop === 0 ? 1 : HOP_WEIGHT);
  }

  /** Takes note of a complete block; gives whether the viewer can start to play by it. */
  complete(number: number, now: number, blockMs: number): boolean {
    const slot = this.#slotOf(number);
    if (slot < 0) return false;
    assert(this.#completedAt[slot] === Number.POSITIVE_INFINITY, "a block is completed once");
    this.#completedAt[slot] = now;
    if (this.startedAt !== undefined) return false;
    let first = number;
    while (first > 0 && this.#isComplete(first - 1)) first--;
    let last = number;
    while (this.#isComplete(last + 1)) last++;
    if ((last - first + 1) * blockMs < START_BUFFER_MS) return false;
    this.startedAt = now;
    this.firstPlayed = first;
    return true;
  }

  #isComplete(number: number): boolean {
    return this.completedAt(number) !== Number.POSITIVE_INFINITY;
  }

  /** The slot of a block, cleared if it held an older one; -1 if it holds a newer one. */
  #slotOf(number: number): number {
    const slot = number % RECORD_BLOCKS_MAX;
    const holds = this.#numbers[slot] as number;
    if (holds === number) return slot;
    if (holds > number) return -1;
    this.#numbers[slot] = number;
    this.#completedAt[slot] = Number.POSITIVE_INFINITY;
    this.#usefulBytes[slot] = 0;
    this.#held.fill(0, slot * WORDS_PER_BLOCK, (slot + 1) * WORDS_PER_BLOCK);
    return slot;
  }
}
