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
    const first = range.firstEsi - k;
    const rows = range.endEsi - range.firstEsi;
    const levels = Math.log2(repairSpace(n - k));
    if (rows <= matrixRowsMax(levels)) {
      const { cells } = generatorOf(fec);
      const part = { rows, columns: k, cells: cells.subarray(first * k, (first + rows) * k) };
      this.#multiply(
        part,
        addressesOf(count(k), BLOCK, fec),
        this.#repairAddresses(fec, rows),
        fec,
      );
    } else {
      const wanted = count(2 ** levels).map((row) =>
        row >= first && row < first + rows ? REPAIR + (row - first) * symbolBytes : 0,
      );
      this.#place(SOURCES, addressesOf(count(k), BLOCK, fec));
      this.#place(TARGETS, wanted);
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
    const levels = Math.log2(repairSpace(n - k));
    const lost = new Set(missing);
    const solution = solutionOf(fec, missing, repairs);
    const targets = addressesOf(missing, BLOCK, fec);
    const repairAt = this.#repairAddresses(fec, repairs.length);
    if (missing.length <= matrixRowsMax(levels)) {
      const kept = count(k).filter((esi) => !lost.has(esi));
      const received = sourcePart(solution, kept);
      const part = besides(received, repairPart(solution));
      this.#multiply(part, [...addressesOf(kept, BLOCK, fec), ...repairAt], targets, fec);
      return;
    }
    const addresses = addressesOf(count(k), BLOCK, fec);
    const rows = count(2 ** levels).map((row) => repairAt[repairs.indexOf(k + row)] ?? 0);
    this.#place(
      SOURCES,
      addresses.map((address, esi) => (lost.has(esi) ? 0 : address)),
    );
    this.#place(REPAIRS, rows);
    if (missing.length <= matrixLossesMax(fec, levels)) {
      this.#place(TARGETS, targets);
      this.#placeMatrix(repairPart(solution));
      this.#exports.decodeByMatrix(k, n - k, symbolBytes, missing.length);
      return;
    }
    this.#place(
      TARGETS,
      addresses.map((address, esi) => (lost.has(esi) ? address : 0)),
    );
    for (const [index, esi] of repairs.entries()) {
      this.#memory[COEFFICIENTS + esi - k] = solution.repairFactors[index]!;
    }
    for (const [index, esi] of missing.entries()) {
      this.#memory[FACTORS + esi] = solution.transformFactors[index]!;
    }
    this.#exports.decodeByTransform(k, n - k, symbolBytes);
  }

  #multiply(
    matrix: Matrix,
    from: readonly number[],
    to: readonly number[],
    { symbolBytes }: FecParameters,
  ): void {
    this.#place(SOURCES, from);
    this.#place(TARGETS, to);
    if (matrix.rows > 1) {
      this.#placeMatrix(matrix);
      this.#exports.multiply(roundUp(matrix.rows), matrix.columns, symbolBytes);
      return;
    }
    const cells = new Uint8Array(roundUp(matrix.columns));
    cells.set(matrix.cells);
    this.#memory.set(cells, COEFFICIENTS);
    this.#exports.multiply(1, cells.length, symbolBytes);
  }

  /** Writes a table of addresses, and zeros up to a whole transform. */
  #place(table: number, addresses: readonly number[]): void {
    const end = table === REPAIRS ? REPAIR_SYMBOLS_MAX : ELEMENTS;
    for (let index = 0; index < end; index++) {
      this.#words.setUint32(table + index * ADDRESS_BYTES, addresses[index] ?? 0, true);
    }
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

  #repairAddresses(fec: FecParameters, length: number): number[] {
    return addressesOf(count(length), REPAIR, fec);
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

/** Up to so many rows a matrix is faster than transforms, and below four rows there are none. */
function matrixRowsMax(levels: number): number {
  return levels <= 3 ? 2 : 4;
}

/** Up to so many lost symbols the square matrix is faster than interpolation. */
function matrixLossesMax({ k }: FecParameters, levels: number): number {
  return Math.sqrt((levels * (k + 2 ** levels)) / SOLVE_RATIO);
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

function addressesOf(
  symbols: readonly number[],
  start: number,
  { symbolBytes }: FecParameters,
): number[] {
  return symbols.map((symbol) => start + symbol * symbolBytes);
}

function roundUp(rows: number): number {
  return Math.ceil(rows / ROW_GROUP) * ROW_GROUP;
}

function count(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
