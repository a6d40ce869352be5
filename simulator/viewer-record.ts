import { assert } from "../core/index.ts";

/** Blocks that are remembered for each viewer; more than are in play at any time. */
export const RECORD_BLOCKS_MAX = 128;

/** The columns of a block, side by side: what belongs together is read together. */
const WIDTH = 12;
const NUMBER = 0;
const USEFUL_BYTES = 1;
const IS_COMPLETE = 2;
/** Eight words with a bit for each symbol that is held. */
const HELD = 3;
const HELD_END = 11;

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
  readonly #rows = new Int32Array(RECORD_BLOCKS_MAX * WIDTH).fill(-1);
  readonly #completedAt = new Float64Array(RECORD_BLOCKS_MAX);

  constructor(joinedAt: number) {
    this.joinedAt = joinedAt;
  }

  /** When it completed a block; infinite if it has not. */
  completedAt(number: number): number {
    if (!this.#isComplete(number)) return Number.POSITIVE_INFINITY;
    return this.#completedAt[number % RECORD_BLOCKS_MAX] as number;
  }

  /** Bytes of symbols that it holds of a block. */
  usefulBytes(number: number): number {
    const row = rowOf(number);
    return this.#rows[row + NUMBER] === number ? (this.#rows[row + USEFUL_BYTES] as number) : 0;
  }

  /** Takes note of a right symbol. */
  receive(number: number, esi: number, byteLength: number): SymbolFate {
    if (!this.#open(number)) return "old";
    const rows = this.#rows;
    const row = rowOf(number);
    const word = row + HELD + (esi >>> 5);
    const bit = 1 << (esi & 31);
    const held = rows[word] as number;
    if ((held & bit) !== 0) return "duplicate";
    rows[word] = held | bit;
    if (rows[row + IS_COMPLETE] === 1) return "surplus";
    rows[row + USEFUL_BYTES] = (rows[row + USEFUL_BYTES] as number) + byteLength;
    return "useful";
  }

  /** A symbol came that had made `hops` hops to its sender. */
  cameFrom(hops: number): void {
    this.hop += (hops + 1 - this.hop) * (this.hop === 0 ? 1 : HOP_WEIGHT);
  }

  /** Takes note of a complete block; gives whether the viewer can start to play by it. */
  complete(number: number, now: number, blockMs: number): boolean {
    if (!this.#open(number)) return false;
    assert(!this.#isComplete(number), "a block is completed once");
    this.#rows[rowOf(number) + IS_COMPLETE] = 1;
    this.#completedAt[number % RECORD_BLOCKS_MAX] = now;
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
    const row = rowOf(number);
    return this.#rows[row + NUMBER] === number && this.#rows[row + IS_COMPLETE] === 1;
  }

  /** Makes the row of a block its own, cleared if it held an older one; false if it holds a newer one. */
  #open(number: number): boolean {
    const rows = this.#rows;
    const row = rowOf(number);
    const holds = rows[row + NUMBER] as number;
    if (holds >= number) return holds === number;
    rows.fill(0, row, row + HELD_END);
    rows[row + NUMBER] = number;
    return true;
  }
}

function rowOf(number: number): number {
  return (number % RECORD_BLOCKS_MAX) * WIDTH;
}
