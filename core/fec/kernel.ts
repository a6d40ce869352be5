import { concatBytes } from "../bytes.ts";
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

/** The kernel in plain TypeScript: the code's Cauchy-matrix form, by table lookups. */
export const plainKernel: FecKernel = {
  encode(source, fec) {
    const { k, n, symbolBytes } = fec;
    assert(source.length <= k * symbolBytes, "a block fits into its source symbols");
    let padded = source;
    if (source.length < k * symbolBytes) {
      padded = new Uint8Array(k * symbolBytes);
      padded.set(source);
    }
    const repair = new Uint8Array((n - k) * symbolBytes);
    addProduct(
      preparedGenerator(fec),
      { buffer: padded, offsets: offsetsOf(range(k), symbolBytes) },
      { buffer: repair, offsets: offsetsOf(range(n - k), symbolBytes) },
      symbolBytes,
    );
    return repair;
  },

  decode(padded, missing, repair, fec) {
    const { k, symbolBytes } = fec;
    assert(padded.length === k * symbolBytes, "a block is decoded in its padded length");
    assert(repair.size >= missing.length, "a lost symbol needs a repair symbol");
    if (missing.length === 0) return;
    const used = [...repair].slice(0, missing.length);
    const rows = used.map(([esi]) => esi - k);
    const lost = new Set(missing);
    const kept = range(k).filter((esi) => !lost.has(esi));
    const generator = generatorOf(fec);

    // What the received sources leave of a repair symbol is what the lost ones put into it.
    const syndromes = {
      buffer: concatBytes(...used.map(([, symbol]) => symbol)),
      offsets: offsetsOf(range(used.length), symbolBytes),
    };
    const received = { buffer: padded, offsets: offsetsOf(kept, symbolBytes) };
    addProduct(prepare(partOf(generator, rows, kept)), received, syndromes, symbolBytes);

    const solution = inverseOf(partOf(generator, rows, missing));
    const solved = { buffer: padded, offsets: offsetsOf(missing, symbolBytes) };
    addProduct(prepare(solution), syndromes, solved, symbolBytes);
  },
};

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function offsetsOf(indexes: readonly number[], symbolBytes: number): number[] {
  return indexes.map((index) => index * symbolBytes);
}

function partOf(
  { columns, cells }: Matrix,
  rows: readonly number[],
  picked: readonly number[],
): Matrix {
  const part = rows.flatMap((row) => picked.map((column) => cells[row * columns + column]!));
  return { rows: rows.length, columns: picked.length, cells: Uint8Array.from(part) };
}
