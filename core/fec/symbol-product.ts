import { assert } from "../errors.ts";
import type { Matrix } from "./cauchy.ts";
import { multiply } from "./gf256.ts";
import { SYMBOLS_MAX } from "./parameters.ts";

/**
 * One look at a source byte gives its products with eight rows, packed in two words; the sums of eight
 * output symbols grow interleaved in one array and are taken apart at the end.
 */
const ROWS_PER_GROUP = 8;
const ROWS_PER_WORD = 4;
/** Four columns are added in one pass, so that a sum is loaded and stored once for four of them. */
const COLUMNS_PER_PASS = 4;
/** Words of one column's table: two for each value of a byte. */
const COLUMN_WORDS = 512;
/** Bytes of a symbol that are worked on at a time; their sums take eight times that and stay in L1. */
const TILE_BYTES = 2048;

// The inner loops work on these alone: arrays that never change are twice as fast, because the
// compiler knows where they are and how long.
const TABLES = new Uint32Array(SYMBOLS_MAX * COLUMN_WORDS);
const TILES = new Uint8Array(SYMBOLS_MAX * TILE_BYTES);
const SUMS = new Uint32Array(2 * TILE_BYTES);

/** A matrix over GF(2^8), prepared to be multiplied with symbols. */
export interface PreparedMatrix {
  readonly rows: number;
  readonly columns: number;
  /** For each group of eight rows the tables of all columns, end to end, up to a whole pass. */
  readonly groups: readonly Uint32Array[];
}

/** Symbols of equal length at byte `offsets` of one buffer. */
export interface SymbolColumn {
  readonly buffer: Uint8Array;
  readonly offsets: readonly number[];
}

/** Builds the lookup tables of a matrix: 2 KiB for each column and group of eight rows. */
export function prepare({ rows, columns, cells }: Matrix): PreparedMatrix {
  assert(columns <= SYMBOLS_MAX, "a matrix has no more columns than a block has symbols");
  const passes = Math.ceil(columns / COLUMNS_PER_PASS);
  const groups: Uint32Array[] = [];
  for (let first = 0; first < rows; first += ROWS_PER_GROUP) {
    const tables = new Uint32Array(passes * COLUMNS_PER_PASS * COLUMN_WORDS);
    for (let row = first; row < Math.min(rows, first + ROWS_PER_GROUP); row++) {
      for (let column = 0; column < columns; column++) {
        const table = tables.subarray(column * COLUMN_WORDS, (column + 1) * COLUMN_WORDS);
        addRowToTable(table, row - first, cells[row * columns + column]!);
      }
    }
    groups.push(tables);
  }
  return { rows, columns, groups };
}

function addRowToTable(table: Uint32Array, place: number, cell: number): void {
  const word = Math.floor(place / ROWS_PER_WORD);
  const shift = 8 * (place % ROWS_PER_WORD);
  for (let byte = 1; byte < 256; byte++) table[2 * byte + word]! |= multiply(cell, byte) << shift;
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
  for (const [group, tables] of groups.entries()) {
    TABLES.set(tables);
    const first = group * ROWS_PER_GROUP;
    const offsets = output.offsets.slice(first, Math.min(rows, first + ROWS_PER_GROUP));
    const add = offsets.length > ROWS_PER_WORD ? addColumns : addColumnsToLowWords;
    for (let start = 0; start < symbolBytes; start += TILE_BYTES) {
      const length = Math.min(TILE_BYTES, symbolBytes - start);
      loadTiles(input, start, length);
      SUMS.fill(0);
      for (let column = 0; column < columns; column += COLUMNS_PER_PASS) add(column, length);
      for (const [place, offset] of offsets.entries()) {
        addRowOfSums(place, output.buffer, offset + start, length);
      }
    }
  }
}

function loadTiles({ buffer, offsets }: SymbolColumn, start: number, length: number): void {
  for (const [column, offset] of offsets.entries()) {
    const from = offset + start;
    TILES.set(buffer.subarray(from, from + length), column * TILE_BYTES);
  }
}

/** Adds the products of four columns; those that the last pass lacks have tables of zeros. */
function addColumns(column: number, length: number): void {
  const tile0 = column * TILE_BYTES;
  const tile1 = tile0 + TILE_BYTES;
  const tile2 = tile1 + TILE_BYTES;
  const tile3 = tile2 + TILE_BYTES;
  const table0 = column * COLUMN_WORDS;
  const table1 = table0 + COLUMN_WORDS;
  const table2 = table1 + COLUMN_WORDS;
  const table3 = table2 + COLUMN_WORDS;
  for (let at = 0; at < length; at++) {
    const at0 = table0 + (TILES[tile0 + at]! << 1);
    const at1 = table1 + (TILES[tile1 + at]! << 1);
    const at2 = table2 + (TILES[tile2 + at]! << 1);
    const at3 = table3 + (TILES[tile3 + at]! << 1);
    SUMS[2 * at]! ^= TABLES[at0]! ^ TABLES[at1]! ^ TABLES[at2]! ^ TABLES[at3]!;
    SUMS[2 * at + 1]! ^= TABLES[at0 + 1]! ^ TABLES[at1 + 1]! ^ TABLES[at2 + 1]! ^ TABLES[at3 + 1]!;
  }
}

/** The same for a last group of at most four rows. */
function addColumnsToLowWords(column: number, length: number): void {
  const tile0 = column * TILE_BYTES;
  const tile1 = tile0 + TILE_BYTES;
  const tile2 = tile1 + TILE_BYTES;
  const tile3 = tile2 + TILE_BYTES;
  const table0 = column * COLUMN_WORDS;
  const table1 = table0 + COLUMN_WORDS;
  const table2 = table1 + COLUMN_WORDS;
  const table3 = table2 + COLUMN_WORDS;
  for (let at = 0; at < length; at++) {
    SUMS[2 * at]! ^=
      TABLES[table0 + (TILES[tile0 + at]! << 1)]! ^
      TABLES[table1 + (TILES[tile1 + at]! << 1)]! ^
      TABLES[table2 + (TILES[tile2 + at]! << 1)]! ^
      TABLES[table3 + (TILES[tile3 + at]! << 1)]!;
  }
}

function addRowOfSums(place: number, output: Uint8Array, start: number, length: number): void {
  const word = Math.floor(place / ROWS_PER_WORD);
  const shift = 8 * (place % ROWS_PER_WORD);
  for (let at = 0; at < length; at++) output[start + at]! ^= SUMS[2 * at + word]! >>> shift;
}
