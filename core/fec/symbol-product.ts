import type { Matrix } from "./cauchy.ts";
import { multiply } from "./gf256.ts";

/**
 * One lookup gives a source byte's products with four rows at once, packed in 32 bits; the sums of
 * four output symbols grow interleaved in one array and are taken apart at the end.
 */
const ROWS_PER_WORD = 4;
/** Four columns are added in one pass, so that a sum is loaded and stored once for four lookups. */
const COLUMNS_PER_PASS = 4;
/** Bytes of a symbol that are worked on at a time; their sums take four times that and stay in L1. */
const TILE_BYTES = 2048;
/** Stands in for the columns that the last pass lacks. */
const ZERO_TABLE = new Uint32Array(256);

/** A matrix over GF(2^8), prepared to be multiplied with symbols. */
export interface PreparedMatrix {
  readonly rows: number;
  readonly columns: number;
  /** For each group of four rows, one table of 256 words for each column. */
  readonly groups: readonly (readonly Uint32Array[])[];
}

/** Symbols of equal length at byte `offsets` of one buffer. */
export interface SymbolColumn {
  readonly buffer: Uint8Array;
  readonly offsets: readonly number[];
}

/** Builds the lookup tables of a matrix: columns x ceil(rows / 4) KiB. */
export function prepare(matrix: Matrix): PreparedMatrix {
  const { rows, columns } = matrix;
  const groups: Uint32Array[][] = [];
  for (let first = 0; first < rows; first += ROWS_PER_WORD) {
    groups.push(Array.from({ length: columns }, (_, column) => tableOf(matrix, first, column)));
  }
  return { rows, columns, groups };
}

function tableOf({ rows, columns, cells }: Matrix, first: number, column: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let row = first; row < Math.min(rows, first + ROWS_PER_WORD); row++) {
    const shift = 8 * (row - first);
    const cell = cells[row * columns + column]!;
    for (let byte = 1; byte < 256; byte++) table[byte]! |= multiply(cell, byte) << shift;
  }
  return table;
}

/**
 * Multiplies a matrix with a column of symbols: adds (XORs) to each output symbol `row` the sum over
 * the columns of cell (row, column) times input symbol `column`.
 */
export function addProduct(
  { rows, columns, groups }: PreparedMatrix,
  input: SymbolColumn,
  output: SymbolColumn,
  symbolBytes: number,
): void {
  const sums = new Uint32Array(TILE_BYTES);
  for (let start = 0; start < symbolBytes; start += TILE_BYTES) {
    const length = Math.min(TILE_BYTES, symbolBytes - start);
    for (const [group, tables] of groups.entries()) {
      sums.fill(0);
      for (let column = 0; column < columns; column += COLUMNS_PER_PASS) {
        addColumns(sums, tables, column, input, start, length);
      }
      const first = group * ROWS_PER_WORD;
      for (let row = first; row < Math.min(rows, first + ROWS_PER_WORD); row++) {
        addByteOf(sums, 8 * (row - first), output.buffer, output.offsets[row]! + start, length);
      }
    }
  }
}

function addColumns(
  sums: Uint32Array,
  tables: readonly Uint32Array[],
  column: number,
  { buffer, offsets }: SymbolColumn,
  start: number,
  length: number,
): void {
  const table0 = tables[column]!;
  const table1 = tables[column + 1] ?? ZERO_TABLE;
  const table2 = tables[column + 2] ?? ZERO_TABLE;
  const table3 = tables[column + 3] ?? ZERO_TABLE;
  const from0 = offsets[column]! + start;
  const from1 = (offsets[column + 1] ?? 0) + start;
  const from2 = (offsets[column + 2] ?? 0) + start;
  const from3 = (offsets[column + 3] ?? 0) + start;
  for (let at = 0; at < length; at++) {
    sums[at]! ^=
      table0[buffer[from0 + at]!]! ^
      table1[buffer[from1 + at]!]! ^
      table2[buffer[from2 + at]!]! ^
      table3[buffer[from3 + at]!]!;
  }
}

function addByteOf(
  sums: Uint32Array,
  shift: number,
  output: Uint8Array,
  start: number,
  length: number,
): void {
  for (let at = 0; at < length; at++) output[start + at]! ^= sums[at]! >>> shift;
}
