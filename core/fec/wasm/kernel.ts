// The work over bytes; which rows and which coefficients is decided in ../wasm-kernel.ts. Every
// export takes the symbols in columns so narrow that the rows between two passes stay in cache.
import {
  COEFFICIENTS,
  FACTORS,
  KNOWN_ROWS,
  REPAIRS,
  ROW_BYTES_MAX,
  SOURCE_TILES,
  SOURCES,
  SUM_ROWS,
  SUMS,
  SYNDROME_ROWS,
  SYNDROMES,
  TARGET_TILES,
  TARGETS,
  TILE_BYTES,
  WASTE,
  WORK,
  WORK_ROWS,
  ZEROS,
} from "./layout";
import { addRow, copyRow, multiplyRow, multiplyRows, scaleRow } from "./matrix";
import { forward, inverse } from "./transform";

export { hash } from "./sha256";

/** M rows aim to have so many bytes in all, and three tiles of them to fit into a first-level cache. */
const ROWS_BYTES_AIM: usize = 0x2000;
/** Symbols that are read in shorter pieces come slowly from memory, if a tile takes rows so long. */
const ROW_BYTES_AIM: usize = 512;
/** Bytes of a row when all columns of a matrix are packed into the tiles. */
const PACKED_ROW_BYTES: usize = 128;

/** The repair symbols that have an address in `TARGETS` from the k symbols at `SOURCES`. */
export function encode(k: usize, repairs: usize, symbolBytes: usize): void {
  const levels = levelsOf(repairs);
  const tile = layRows(levels);
  for (let start: usize = 0; start < symbolBytes; start += tile) {
    const width = min(tile, symbolBytes - start);
    place(TARGETS, TARGET_TILES, <usize>1 << levels, start, WASTE);
    encodeTile(k, repairs, levels, start, TARGET_TILES, width);
  }
}

/**
 * The `lost` symbols at `TARGETS` (a whole number of fours) from those at `SOURCES` and as many at
 * `REPAIRS`: the syndromes of the latter, in the order of their rows, times the square matrix at
 * `COEFFICIENTS`.
 */
export function decodeByMatrix(
  k: usize,
  repairs: usize,
  symbolBytes: usize,
  lost: usize,
): void {
  const levels = levelsOf(repairs);
  const tile = layRows(levels);
  const rows = (lost + 3) & ~3;
  for (let start: usize = 0; start < symbolBytes; start += tile) {
    const width = min(tile, symbolBytes - start);
    encodeTile(k, repairs, levels, start, SYNDROME_ROWS, width);
    let known = KNOWN_ROWS;
    for (let row: usize = 0; row < 1 << levels; row++) {
      const repair = entry(REPAIRS, row);
      if (repair == 0) continue;
      addRow(repair + start, entry(SYNDROME_ROWS, row), width);
      store<usize>(known, entry(SYNDROME_ROWS, row));
      known += 4;
    }
    place(TARGETS, TARGET_TILES, rows, start, WASTE);
    multiplyRows(rows, lost, COEFFICIENTS, KNOWN_ROWS, TARGET_TILES, width);
  }
}

/**
 * The same by interpolation: the syndromes times the factors at `COEFFICIENTS` are the values of a
 * polynomial of lower degree than M, which is zero where there is no repair symbol; the lost symbol j
 * at entry j of `TARGETS` is its value there times factor j at `FACTORS`.
 */
export function decodeByTransform(k: usize, repairs: usize, symbolBytes: usize): void {
  const levels = levelsOf(repairs);
  const tile = layRows(levels);
  const space: usize = 1 << levels;
  for (let start: usize = 0; start < symbolBytes; start += tile) {
    const width = min(tile, symbolBytes - start);
    encodeTile(k, repairs, levels, start, SYNDROME_ROWS, width);
    for (let row: usize = 0; row < space; row++) {
      const repair = entry(REPAIRS, row);
      let known = ZEROS;
      if (repair != 0) {
        known = entry(SYNDROME_ROWS, row);
        addRow(repair + start, known, width);
        scaleRow(known, load<u8>(COEFFICIENTS + row), width);
      }
      store<usize>(KNOWN_ROWS + (row << 2), known);
    }
    inverse(KNOWN_ROWS, 0, space, levels, width, false);
    for (let first: usize = 0; first < k; first += space) evaluate(first, levels, start, width);
  }
}

/** Values of the polynomial at the lost ones of the M source symbols from `first` on. */
function evaluate(first: usize, levels: usize, start: usize, width: usize): void {
  const space: usize = 1 << levels;
  const targets = TARGETS + (first << 2);
  const lost = place(targets, TARGET_TILES, space, start, WASTE);
  if (lost == 0) return;
  forward(TARGET_TILES, space + first, space, levels, width);
  for (let row: usize = 0; row < space; row++) {
    const target = entry(targets, row);
    if (target != 0) scaleRow(target + start, load<u8>(FACTORS + first + row), width);
  }
}

/** Symbols at `TARGETS`: the matrix at `COEFFICIENTS` times the symbols at `SOURCES`. */
export function multiply(rows: usize, columns: usize, symbolBytes: usize): void {
  const tile = rows == 1 ? ROW_BYTES_MAX : PACKED_ROW_BYTES;
  for (let start: usize = 0; start < symbolBytes; start += tile) {
    const width = min(tile, symbolBytes - start);
    place(SOURCES, SOURCE_TILES, columns, start, ZEROS);
    place(TARGETS, TARGET_TILES, rows, start, WASTE);
    if (rows == 1) {
      multiplyRow(columns, COEFFICIENTS, SOURCE_TILES, entry(TARGET_TILES, 0), width);
      continue;
    }
    // Symbols are often a power of two apart, and would push each other out of the cache.
    for (let column: usize = 0; column < columns; column++) {
      const packed = SUMS + column * PACKED_ROW_BYTES;
      copyRow(entry(SOURCE_TILES, column), packed, width);
      store<usize>(SOURCE_TILES + (column << 2), packed);
    }
    multiplyRows(rows, columns, COEFFICIENTS, SOURCE_TILES, TARGET_TILES, width);
  }
}

/** Repair symbols of one tile: each M source symbols to coefficients, their sum to values at 0.. */
function encodeTile(
  k: usize,
  repairs: usize,
  levels: usize,
  start: usize,
  to: usize,
  width: usize,
): void {
  const space: usize = 1 << levels;
  for (let first: usize = 0; first < k; first += space) {
    const count = min(space, k - first);
    place(SOURCES + (first << 2), SOURCE_TILES, count, start, ZEROS);
    for (let row = count; row < space; row++) store<usize>(SOURCE_TILES + (row << 2), ZEROS);
    inverse(SOURCE_TILES, space + first, count, levels, width, first > 0);
  }
  forward(to, 0, repairs, levels, width);
}

/** The addresses of a column in `count` symbols, `absent` for those that are not; how many are. */
function place(from: usize, to: usize, count: usize, start: usize, absent: usize): usize {
  let present: usize = 0;
  for (let at: usize = 0; at < count << 2; at += 4) {
    const address = load<usize>(from + at);
    store<usize>(to + at, address == 0 ? absent : address + start);
    present += usize(address != 0);
  }
  return present;
}

@inline
function entry(table: usize, index: usize): usize {
  return load<usize>(table + (index << 2));
}

/** log2 M: M is the smallest power of two that is at least the number of repair symbols. */
function levelsOf(repairs: usize): usize {
  return 32 - clz<u32>(<u32>repairs - 1);
}

/** Divides the tiles into M rows, and gives their length. */
function layRows(levels: usize): usize {
  const rowBytes = min(max(ROWS_BYTES_AIM >> levels, ROW_BYTES_AIM), TILE_BYTES >> levels);
  for (let row: usize = 0; row < 1 << levels; row++) {
    const at = row << 2;
    store<usize>(SUM_ROWS + at, SUMS + row * rowBytes);
    store<usize>(WORK_ROWS + at, WORK + row * rowBytes);
    store<usize>(SYNDROME_ROWS + at, SYNDROMES + row * rowBytes);
  }
  return rowBytes;
}
