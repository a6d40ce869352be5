import { assert } from "../errors.ts";
import { generatorOf, inverseOf, type Matrix } from "./cauchy.ts";
import type { FecParameters } from "./parameters.ts";
import { addProduct, type PreparedMatrix, prepare } from "./symbol-product.ts";

/** A kernel of the code. All kernels give the same bytes; see fixtures/vectors/leopard-gf8.json. */
export interface FecKernel {
  /**
   * The repair symbols of a block, end to end: (n - k) * symbolBytes bytes. `source` holds the
   * block's bytes; what it lacks of k * symbolBytes counts as zeros.
   */
  encode(source: Uint8Array, fec: FecParameters): Uint8Array;
  /**
   * Fills in the missing source symbols. `padded` holds k * symbolBytes bytes, with received symbols
   * in place and zeros elsewhere; `missing` lists the ESIs to make, and `repair` has at least as many
   * repair symbols by their ESI.
   */
  decode(
    padded: Uint8Array,
    missing: readonly number[],
    repair: ReadonlyMap<number, Uint8Array>,
    fec: FecParameters,
  ): void;
}

/** Prepared generators by "k/n". A stream uses one or two shapes; a hundred streams use a few dozen. */
const GENERATORS_MAX = 32;
const generators = new Map<string, PreparedMatrix>();

function preparedGenerator({ k, n }: FecParameters): PreparedMatrix {
  const shape = `${k}/${n}`;
  const known = generators.get(shape);
  if (known !== undefined) return known;
  if (generators.size >= GENERATORS_MAX) {
    const [oldest] = generators.keys();
    if (oldest !== undefined) generators.delete(oldest);
  }
  const prepared = prepare(generatorOf({ k, n }));
  generators.set(shape, prepared);
  return prepared;
}

/** The symbols of `bytes`, end to end; the last may be short. */
function symbolsOf(bytes: Uint8Array, symbolBytes: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * symbolBytes, (index + 1) * symbolBytes),
  );
}

/** The kernel in plain TypeScript: the code's Cauchy-matrix form, by table lookups. */
export const plainKernel: FecKernel = {
  encode(source, fec) {
    const { k, n, symbolBytes } = fec;
    assert(source.length <= k * symbolBytes, "a block fits into its source symbols");
    const repair = new Uint8Array((n - k) * symbolBytes);
    addProduct(
      preparedGenerator(fec),
      symbolsOf(source, symbolBytes, k),
      symbolsOf(repair, symbolBytes, n - k),
    );
    return repair;
  },

  decode(padded, missing, repair, fec) {
    const { k, symbolBytes } = fec;
    assert(padded.length === k * symbolBytes, "a block is decoded in its padded length");
    assert(repair.size >= missing.length, "a lost symbol needs a repair symbol");
    if (missing.length === 0) return;
    const used = [...repair.keys()].slice(0, missing.length);
    const rows = used.map((esi) => esi - k);
    const generator = generatorOf(fec);
    const lost = new Set(missing);
    const kept = Array.from({ length: k }, (_, esi) => esi).filter((esi) => !lost.has(esi));
    const symbols = symbolsOf(padded, symbolBytes, k);

    // What the received sources leave of a repair symbol is what the lost ones put into it.
    const syndromes = used.map((esi) => repair.get(esi)!.slice());
    if (kept.length > 0) {
      addProduct(prepare(part(generator, rows, kept)), pick(symbols, kept), syndromes);
    }
    const solution = inverseOf(part(generator, rows, missing));
    addProduct(prepare(solution), syndromes, pick(symbols, missing));
  },
};

function pick(symbols: readonly Uint8Array[], indexes: readonly number[]): Uint8Array[] {
  return indexes.map((index) => symbols[index]!);
}

function part(
  { columns, cells }: Matrix,
  rows: readonly number[],
  picked: readonly number[],
): Matrix {
  const part = rows.flatMap((row) => picked.map((column) => cells[row * columns + column]!));
  return { rows: rows.length, columns: picked.length, cells: Uint8Array.from(part) };
}
