import { assert } from "../core/index.ts";
import type { SymbolDecoder } from "../mesh/index.ts";
import type { ReleasedBlock } from "./broadcast.ts";

const WORD_BITS = 32;

/** Counts which symbols a peer has; the bytes are the origin's own, shared by all peers. */
export class SharedDecoder implements SymbolDecoder {
  readonly #block: ReleasedBlock;
  /** A bit for each of the first 32 symbols, which are all of most blocks, beside those of the others. */
  #first = 0;
  readonly #others: Uint8Array | undefined;
  #needed: number;

  constructor(block: ReleasedBlock) {
    this.#block = block;
    const others = block.symbols.length - WORD_BITS;
    this.#others = others > 0 ? new Uint8Array(others) : undefined;
    this.#needed = block.manifest.fec.k;
  }

  get needed(): number {
    return this.#needed;
  }

  has(esi: number): boolean {
    if (esi < WORD_BITS) return ((this.#first >>> esi) & 1) === 1;
    return this.#others?.[esi - WORD_BITS] === 1;
  }

  add(esi: number, _symbol: Uint8Array): void {
    assert(esi >= 0 && esi < this.#block.symbols.length, "a symbol of a block has an ESI below N");
    if (this.has(esi)) return;
    this.#hold(esi);
    if (this.#needed > 0) this.#needed--;
  }

  /** Like the real one: what was added, and every symbol once the block is decoded. */
  symbol(esi: number): Uint8Array | undefined {
    return this.has(esi) ? this.#block.symbols[esi] : undefined;
  }

  bytes(): Uint8Array {
    assert(this.#needed === 0, "a block is decoded once it has K symbols");
    for (let esi = 0; esi < this.#block.symbols.length; esi++) this.#hold(esi);
    return this.#block.bytes;
  }

  #hold(esi: number): void {
    if (esi < WORD_BITS) this.#first |= 1 << esi;
    else this.#others?.fill(1, esi - WORD_BITS, esi - WORD_BITS + 1);
  }
}
