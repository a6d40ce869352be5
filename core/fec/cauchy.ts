import { assert } from "../errors.ts";
import { divide, multiply } from "./gf256.ts";
import { type FecParameters, repairSpace } from "./parameters.ts";

/** A matrix over GF(2^8), row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly cells: Uint8Array;
}

/**
 * The generator of the repair symbols: repair symbol i is the sum over j of cell (i, j) times source
 * symbol j. The code evaluates at points 0..M-1 for repair and M..M+K-1 for source symbols;
 * interpolating over the M-point coset of source j and evaluating at i gives the closed form
 * W(M + j) / (i + (M + j)), where W is the subspace polynomial of 0..M-1, whose linear coefficient
 * is 1 in a Cantor basis. That is a generalised Cauchy matrix: each square part of it is regular,
 * so any K symbols are enough.
 */
export function generatorOf({ k, n }: Pick<FecParameters, "k" | "n">): Matrix {
  const rows = n - k;
  const space = repairSpace(rows);
  const cells = new Uint8Array(rows * k);
  for (let column = 0; column < k; column++) {
    const point = space + column;
    let weight = 1;
    for (let root = 0; root < space; root++) weight = multiply(weight, point ^ root);
    for (let row = 0; row < rows; row++) cells[row * k + column] = divide(weight, row ^ point);
  }
  return { rows, columns: k, cells };
}

/** The inverse of a square matrix by Gauss-Jordan elimination. */
export function inverseOf(matrix: Matrix): Matrix {
  const size = matrix.rows;
  assert(size === matrix.columns, "only a square matrix has an inverse");
  const left = matrix.cells.slice();
  const right = new Uint8Array(size * size);
  for (let index = 0; index < size; index++) right[index * size + index] = 1;
  for (let pivot = 0; pivot < size; pivot++) {
    // A Cauchy matrix has no zero pivot: each leading square part of it is regular.
    const scale = left[pivot * size + pivot]!;
    assert(scale !== 0, "each leading part of a Cauchy matrix is regular");
    divideRow(left, pivot, size, scale);
    divideRow(right, pivot, size, scale);
    for (let row = 0; row < size; row++) {
      const factor = left[row * size + pivot]!;
      if (row === pivot || factor === 0) continue;
      subtractRow(left, row, pivot, size, factor);
      subtractRow(right, row, pivot, size, factor);
    }
  }
  return { rows: size, columns: size, cells: right };
}

function divideRow(cells: Uint8Array, row: number, size: number, divisor: number): void {
  for (let at = row * size; at < (row + 1) * size; at++) cells[at] = divide(cells[at]!, divisor);
}

function subtractRow(
  cells: Uint8Array,
  row: number,
  pivot: number,
  size: number,
  factor: number,
): void {
  for (let column = 0; column < size; column++) {
    cells[row * size + column]! ^= multiply(factor, cells[pivot * size + column]!);
  }
}
