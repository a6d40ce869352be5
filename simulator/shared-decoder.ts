import { assert } from "../core/index.ts";
import type { SymbolDecoder } from "../mesh/index.ts";
import type { ReleasedBlock } from "./broadcast.ts";

/** Counts which symbols a peer has; the bytes are the origin's own, shared by all peers. */
export class SharedDecoder implements SymbolDecoder {
  readonly #block: ReleasedBlock;
  readonly #held: Uint8Array;
  #needed: number;

  constructor(block: ReleasedBlock) {
    this.#block = block;
    this.#held = new Uint8Array(block.symbols.length);
    this.#needed = block.manifest.fec.k;
  }

  get needed(): number {
    return this.#needed;
  }

  has(esi: number): boolean {
    return this.#held[esi] === 1;
  }

  add(esi: number, _symbol: Uint8Array): void {
    assert(esi >= 0 && esi < this.#held.length, "a symbol of a block has an ESI below N");
    if (this.#held[esi] === 1) return;
    this.#held[esi] = 1;
    if (this.#needed > 0) this.#needed--;
  }

  /** Like the real one: what was added, and every symbol once the block is decoded. */
  symbol(esi: number): Uint8Array | undefined {
    return this.#held[esi] === 1 ? this.#block.symbols[esi] : undefined;
  }

  bytes(): Uint8Array {
    assert(this.#needed === 0, "a block is decoded once it has K symbols");
    this.#held.fill(1);
    return this.#block.bytes;
  }
}
