import type { InstantMs } from "../../core/index.ts";
import { EsiSet } from "./esi-set.ts";

/** What a baseline peer knows of one neighbour. */
export class BaselineNeighbour {
  readonly id: string;
  heardAt: InstantMs;
  pingedAt: InstantMs;
  /** Bytes in the channel's queue. */
  bufferedBytes = 0;
  /** Symbols asked of it that have not come, and how many there may be. */
  asked = 0;
  askedMax = 2;
  /** Blocks whose manifest it has. */
  readonly knows: Set<number> = new Set();
  readonly #has = new Map<number, EsiSet>();

  constructor(id: string, now: InstantMs) {
    this.id = id;
    this.heardAt = now;
    this.pingedAt = now;
  }

  /** The symbols that it has of a block, as far as known. */
  has(block: number): EsiSet | undefined {
    return this.#has.get(block);
  }

  add(block: number, esi: number): void {
    let has = this.#has.get(block);
    if (has === undefined) {
      has = new EsiSet();
      this.#has.set(block, has);
    }
    has.add(esi);
  }

  forget(block: number): void {
    this.#has.delete(block);
    this.knows.delete(block);
  }
}
