import type { Matrix } from "./cauchy.ts";
import { multiply } from "./gf256.ts";

/**
 * One lookup gives a source byte's products with four rows at once, packed in 32 bits; the sums of
 * four output symbols grow interleaved in one array and are taken apart at the end.
 */
const ROWS_PER_WORD = 4;
/** Bytes of a symbol that are worked on at a time: four bytes each in the sums, so that they stay in L1. */
const TILE_BYTES = 2048;

/** A matrix over GF(2^8), prepared to be multiplied with symbols. */
export interface PreparedMatrix {
  readonly rows: number;
  readonly columns: number;
  /** One table of 256 words for each column and each group of four rows. */
  readonly tables: readonly Uint32Array[];
}

/** Builds the lookup tables of a matrix: columns x ceil(rows / 4) KiB. */
export function prepare({ rows, columns, cells }: Matrix): PreparedMatrix {
  const groups = Math.ceil(rows / ROWS_PER_WORD);
  const tables: Uint32Array[] = [];
  for (let group = 0; group < groups; group++) {
    for (let column = 0; column < columns; column++) {
      const table = new Uint32Array(256);
      for (
        let row = group * ROWS_PER_WORD;
        row < Math.min(rows, (group + 1) * ROWS_PER_WORD);
        row++
      ) {
        const shift = 8 * (row % ROWS_PER_WORD);
        const cell = cells[row * columns + column]!;
        for (let byte = 1; byte < 256; byte++) table[byte]! |= multiply(cell, byte) << shift;
      }
      tables.push(table);
    }
  }
  return { rows, columns, tables };
}

/**
 * Multiplies a matrix with a column of symbols: adds (XORs) to each `outputs[row]` the sum over the
 * columns of cell (row, column) times `inputs[column]`. An input may be shorter than an output; the
 * rest of it counts as zeros.
 */
export function addProduct(
  { rows, columns, tables }: PreparedMatrix,
  inputs: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
): void {
  const length = outputs[0]!.length;
  const sums = new Uint32Array(TILE_BYTES);
  for (let start = 0; start < length; start += TILE_BYTES) {
    const end = Math.min(start + TILE_BYTES, length);
    for (let first = 0; first < rows; first += ROWS_PER_WORD) {
      const group = first / ROWS_PER_WORD;
      sums.fill(0);
      for (let column = 0; column < columns; column++) {
        const input = inputs[column]!;
        addLookups(
          sums,
          tables[group * columns + column]!,
          input,
          start,
          Math.min(end, input.length),
        );
      }
      for (let row = first; row < Math.min(rows, first + ROWS_PER_WORD); row++) {
        addByteOf(sums, 8 * (row - first), outputs[row]!, start, end);
      }
    }
  }
}

function addLookups(
  sums: Uint32Array,
  table: Uint32Array,
  input: Uint8Array,
  start: number,
  end: number,
): void {
  for (let at = start; at < end; at++) sums[at - start]! ^= table[input[at]!]!;
}

function addByteOf(
  sums: Uint32Array,
  shift: number,
  output: Uint8Array,
  start: number,
  end: number,
): void {
  for (let at = start; at < end; at++) output[at]! ^= sums[at - start]! >>> shift;
}
