import { assert, StarlingError } from "../errors.ts";
import { bestKernel } from "./best-kernel.ts";
import type { FecKernel } from "./kernel.ts";
import { checkFec, type FecParameters, symbolLength } from "./parameters.ts";

/**
 * Collects the verified symbols of one block; any K of N are enough. Its memory is constant: the K
 * source symbols, and as many repair symbols as the block lacks, at most min(K, N - K).
 */
export class BlockDecoder {
  readonly fec: FecParameters;
  readonly #byteLength: number;
  readonly #kernel: FecKernel;
  readonly #padded: Uint8Array;
  readonly #hasSource: Uint8Array;
  readonly #repair = new Map<number, Uint8Array>();
  #sourceCount = 0;

  /** Throws StarlingError "fec-parameters" unless `fec` can code a block of `byteLength` bytes. */
  constructor(fec: FecParameters, byteLength: number, kernel: FecKernel = bestKernel()) {
    checkFec(fec, byteLength);
    this.fec = fec;
    this.#byteLength = byteLength;
    this.#kernel = kernel;
    this.#padded = new Uint8Array(fec.k * fec.symbolBytes);
    this.#hasSource = new Uint8Array(fec.k);
  }

  /** Whether symbol `esi` was added. */
  has(esi: number): boolean {
    return esi < this.fec.k ? this.#hasSource[esi] === 1 : this.#repair.has(esi);
  }

  /** How many more symbols are needed, 0 when `bytes` can be called. */
  get needed(): number {
    return Math.max(0, this.fec.k - this.#sourceCount - this.#repair.size);
  }

  /**
   * Adds a symbol that its leaf hash has shown to be right, and copies it; one more of the same ESI, or
   * one when no more are needed, changes nothing. Throws StarlingError "fec-symbols" for an ESI or a length that cannot be.
   */
  add(esi: number, symbol: Uint8Array): void {
    const { k, n, symbolBytes } = this.fec;
    if (!Number.isInteger(esi) || esi < 0 || esi >= n) {
      throw new StarlingError("fec-symbols", `${esi} is no symbol of n=${n}.`);
    }
    const expected = symbolLength(this.fec, this.#byteLength, esi);
    if (symbol.length !== expected) {
      const got = `got ${symbol.length}`;
      throw new StarlingError("fec-symbols", `Symbol ${esi} has ${expected} bytes, ${got}.`);
    }
    if (this.needed === 0 || this.has(esi)) return;
    if (esi >= k) {
      this.#repair.set(esi, symbol.slice());
      return;
    }
    this.#padded.set(symbol, esi * symbolBytes);
    this.#hasSource[esi] = 1;
    this.#sourceCount++;
  }

  /** A view of a symbol that was added, or undefined. */
  symbol(esi: number): Uint8Array | undefined {
    if (esi >= this.fec.k) return this.#repair.get(esi);
    if (this.#hasSource[esi] !== 1) return undefined;
    const start = esi * this.fec.symbolBytes;
    return this.#padded.subarray(start, start + symbolLength(this.fec, this.#byteLength, esi));
  }

  /** Makes repair symbol `esi` again, once the block is decoded. */
  repair(esi: number): Uint8Array {
    assert(this.#sourceCount === this.fec.k, "repair symbols are made from a whole block");
    const range = { firstEsi: esi, endEsi: esi + 1 };
    return this.#kernel.encodeRange(this.#padded, this.fec, range);
  }

  /** Decodes what is missing, once, and gives a view of the block's bytes. */
  bytes(): Uint8Array {
    assert(this.needed === 0, "a block is decoded once it has K symbols");
    const missing: number[] = [];
    for (let esi = 0; esi < this.fec.k; esi++) if (this.#hasSource[esi] !== 1) missing.push(esi);
    this.#kernel.decode(this.#padded, missing, this.#repair, this.fec);
    this.#hasSource.fill(1);
    this.#sourceCount = this.fec.k;
    return this.#padded.subarray(0, this.#byteLength);
  }
}
