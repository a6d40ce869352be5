import { generatorOf, type Matrix, repairPart, solutionOf, sourcePart } from "./cauchy.ts";
import { multiply } from "./gf256.ts";
import { checkDecode, checkEncode, type EsiRange, type FecKernel } from "./kernel.ts";
import {
  BLOCK_BYTES_MAX,
  type FecParameters,
  REPAIR_SYMBOLS_MAX,
  repairSpace,
} from "./parameters.ts";
import type { KernelExports } from "./wasm-instance.ts";
import {
  BLOCK,
  COEFFICIENTS,
  FACTORS,
  PRODUCTS,
  REPAIRS,
  SOURCES,
  TARGETS,
} from "./wasm-layout.ts";

const ELEMENTS = 256;
const ADDRESS_BYTES = 4;
/** Rows that the kernel works on at a time. */
const ROW_GROUP = 4;
/** A product in the square matrix costs so much less than one in a transform; measured. */
const SOLVE_RATIO = 1.75;
const REPAIR = BLOCK + BLOCK_BYTES_MAX;

/**
 * The kernel in WebAssembly SIMD. Its memory has a constant size, 17 MB of addresses, of which the
 * system provides what was used; a block and its repair symbols lie there while they are worked on.
 */
export class WasmKernel implements FecKernel {
  readonly workspace: Uint8Array;
  readonly #exports: KernelExports;
  readonly #memory: Uint8Array;
  readonly #words: DataView;

  constructor(exports: KernelExports) {
    this.#exports = exports;
    this.#memory = new Uint8Array(exports.memory.buffer);
    this.#words = new DataView(exports.memory.buffer);
    this.workspace = this.#memory.subarray(BLOCK, REPAIR);
    this.#fillProducts();
  }

  encode(source: Uint8Array, fec: FecParameters, target?: Uint8Array): Uint8Array {
    return this.encodeRange(source, fec, { firstEsi: fec.k, endEsi: fec.n }, target);
  }

  encodeRange(
    source: Uint8Array,
    fec: FecParameters,
    range: EsiRange,
    target?: Uint8Array,
  ): Uint8Array {
    const result = checkEncode(source, fec, range, target);
    const { k, n, symbolBytes } = fec;
    this.#load(source, k * symbolBytes);
    const firstRow = range.firstEsi - k;
    const rows = range.endEsi - range.firstEsi;
    const space = repairSpace(n - k);
    if (rows <= matrixRowsMax(space)) {
      this.#place(SOURCES, k, (esi) => BLOCK + esi * symbolBytes);
      this.#place(TARGETS, rows, (row) => REPAIR + row * symbolBytes);
      this.#multiply(generatorOf(fec, { firstRow, endRow: firstRow + rows }), symbolBytes);
    } else {
      const isWanted = (row: number) => row >= firstRow && row < firstRow + rows;
      this.#place(SOURCES, k, (esi) => BLOCK + esi * symbolBytes);
      this.#place(TARGETS, space, (row) =>
        isWanted(row) ? REPAIR + (row - firstRow) * symbolBytes : 0,
      );
      this.#exports.encode(k, n - k, symbolBytes);
    }
    result.set(this.#memory.subarray(REPAIR, REPAIR + rows * symbolBytes));
    return result;
  }

  decode(
    padded: Uint8Array,
    missing: readonly number[],
    repair: ReadonlyMap<number, Uint8Array>,
    fec: FecParameters,
  ): void {
    const used = checkDecode(padded, missing, repair, fec);
    if (missing.length === 0) return;
    const { k, symbolBytes } = fec;
    const repairs = [...used.keys()];
    const inPlace = this.#load(padded, k * symbolBytes);
    let at = REPAIR;
    for (const symbol of used.values()) {
      this.#memory.set(symbol, at);
      at += symbolBytes;
    }
    this.#solve(fec, missing, repairs);
    if (inPlace) return;
    for (const esi of missing) {
      const start = BLOCK + esi * symbolBytes;
      padded.set(this.#memory.subarray(start, start + symbolBytes), esi * symbolBytes);
    }
  }

  /** Makes the missing symbols of the block in the workspace from `repairs`, which lie end to end. */
  #solve(fec: FecParameters, missing: readonly number[], repairs: readonly number[]): void {
    const { k, n, symbolBytes } = fec;
    const space = repairSpace(n - k);
    const solution = solutionOf(fec, missing, repairs);
    const isLost = new Uint8Array(k);
    for (const esi of missing) isLost[esi] = 1;
    if (missing.length <= matrixRowsMax(space)) {
      const kept = zerosOf(isLost);
      this.#place(SOURCES, k, (index) => {
        const esi = kept[index];
        return esi === undefined
          ? REPAIR + (index - kept.length) * symbolBytes
          : BLOCK + esi * symbolBytes;
      });
      this.#place(TARGETS, missing.length, (index) => BLOCK + missing[index]! * symbolBytes);
      this.#multiply(besides(sourcePart(solution, kept), repairPart(solution)), symbolBytes);
      return;
    }
    const places = new Uint8Array(space);
    for (const [index, esi] of repairs.entries()) places[esi - k] = index + 1;
    this.#place(SOURCES, k, (esi) => (isLost[esi] ? 0 : BLOCK + esi * symbolBytes));
    this.#place(REPAIRS, space, (row) =>
      places[row] ? REPAIR + (places[row] - 1) * symbolBytes : 0,
    );
    if (missing.length <= matrixLossesMax(k, space)) {
      this.#place(TARGETS, missing.length, (index) => BLOCK + missing[index]! * symbolBytes);
      this.#placeMatrix(repairPart(solution));
      this.#exports.decodeByMatrix(k, n - k, symbolBytes, missing.length);
      return;
    }
    this.#place(TARGETS, k, (esi) => (isLost[esi] ? BLOCK + esi * symbolBytes : 0));
    for (const [index, esi] of repairs.entries()) {
      this.#memory[COEFFICIENTS + esi - k] = solution.repairFactors[index]!;
    }
    for (const [index, esi] of missing.entries()) {
      this.#memory[FACTORS + esi] = solution.transformFactors[index]!;
    }
    this.#exports.decodeByTransform(k, n - k, symbolBytes);
  }

  /** The matrix times the symbols at SOURCES, into those at TARGETS. */
  #multiply(matrix: Matrix, symbolBytes: number): void {
    if (matrix.rows > 1) {
      this.#placeMatrix(matrix);
      this.#exports.multiply(roundUp(matrix.rows), matrix.columns, symbolBytes);
      return;
    }
    const columns = roundUp(matrix.columns);
    this.#memory.fill(0, COEFFICIENTS, COEFFICIENTS + columns);
    this.#memory.set(matrix.cells, COEFFICIENTS);
    this.#exports.multiply(1, columns, symbolBytes);
  }

  /** Writes a table of `length` addresses, and zeros up to its end. */
  #place(table: number, length: number, addressOf: (index: number) => number): void {
    for (let index = 0; index < length; index++) {
      this.#words.setUint32(table + index * ADDRESS_BYTES, addressOf(index), true);
    }
    const entries = table === REPAIRS ? REPAIR_SYMBOLS_MAX : ELEMENTS;
    this.#memory.fill(0, table + length * ADDRESS_BYTES, table + entries * ADDRESS_BYTES);
  }

  /** Writes a matrix in groups of four rows, column by column. */
  #placeMatrix({ rows, columns, cells }: Matrix): void {
    this.#memory.fill(0, COEFFICIENTS, COEFFICIENTS + roundUp(rows) * columns);
    for (let row = 0; row < rows; row++) {
      const place = row % ROW_GROUP;
      const group = COEFFICIENTS + (row - place) * columns;
      for (let column = 0; column < columns; column++) {
        this.#memory[group + column * ROW_GROUP + place] = cells[row * columns + column]!;
      }
    }
  }

  /** Brings a block into the workspace, padded with zeros; true if it was there already. */
  #load(block: Uint8Array, paddedLength: number): boolean {
    const inPlace = block.buffer === this.#memory.buffer && block.byteOffset === BLOCK;
    if (!inPlace) this.workspace.set(block);
    this.workspace.fill(0, block.length, paddedLength);
    return inPlace;
  }

  #fillProducts(): void {
    for (let element = 0; element < ELEMENTS; element++) {
      for (let nibble = 0; nibble < 16; nibble++) {
        const at = PRODUCTS + element * 32 + nibble;
        this.#memory[at] = multiply(element, nibble);
        this.#memory[at + 16] = multiply(element, nibble << 4);
      }
    }
  }
}

/** Up to so many rows a matrix is faster than transforms of `space` rows, which start at four. */
function matrixRowsMax(space: number): number {
  return space <= 8 ? 2 : 4;
}

/** Up to so many lost symbols the square matrix is faster than interpolation. */
function matrixLossesMax(k: number, space: number): number {
  return Math.sqrt((Math.log2(space) * (k + space)) / SOLVE_RATIO);
}

/** Two matrices of equally many rows, side by side. */
function besides(left: Matrix, right: Matrix): Matrix {
  const columns = left.columns + right.columns;
  const cells = new Uint8Array(left.rows * columns);
  for (let row = 0; row < left.rows; row++) {
    cells.set(left.cells.subarray(row * left.columns, (row + 1) * left.columns), row * columns);
    const from = right.cells.subarray(row * right.columns, (row + 1) * right.columns);
    cells.set(from, row * columns + left.columns);
  }
  return { rows: left.rows, columns, cells };
}

/** Where an array is 0. */
function zerosOf(flags: Uint8Array): Uint8Array {
  const indexes = new Uint8Array(flags.length);
  let length = 0;
  for (let index = 0; index < flags.length; index++) {
    if (flags[index] === 0) indexes[length++] = index;
  }
  return indexes.subarray(0, length);
}

function roundUp(rows: number): number {
  return Math.ceil(rows / ROW_GROUP) * ROW_GROUP;
}
