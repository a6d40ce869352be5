import { differences, divide, multiply, otherDifferences } from "./gf256.ts";
import { type FecParameters, repairSpace } from "./parameters.ts";

/** A matrix over GF(2^8), row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly cells: Uint8Array;
}

type Shape = Pick<FecParameters, "k" | "n">;

/** 0 <= firstRow < endRow <= N - K. */
export interface RowRange {
  readonly firstRow: number;
  readonly endRow: number;
}

/**
 * The generator of the repair symbols: repair symbol i is the sum over j of cell (i, j) times source
 * symbol j. The code evaluates at points 0..M-1 for repair and M..M+K-1 for source symbols;
 * interpolating over the M-point coset of source j and evaluating at i gives the closed form
 * W(M + j) / (i + (M + j)), where W is the subspace polynomial of 0..M-1, whose linear coefficient
 * is 1 in a Cantor basis. That is a generalised Cauchy matrix: each square part of it is regular,
 * so any K symbols are enough. Only the given rows of N - K are made.
 */
export function generatorOf({ k, n }: Shape, { firstRow, endRow }: RowRange): Matrix {
  const rows = endRow - firstRow;
  const space = repairSpace(n - k);
  const cells = new Uint8Array(rows * k);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < k; column++) {
      const point = space + column;
      cells[row * k + column] = divide(weightOf(point, space), (firstRow + row) ^ point);
    }
  }
  return { rows, columns: k, cells };
}

/** W(point). In a Cantor basis the subspace polynomial of 0..2^r-1 shifts names right by r. */
function weightOf(point: number, space: number): number {
  return Math.floor(point / space);
}

/**
 * How e lost source symbols follow from the received ones and from e repair symbols. With N(x) the
 * product of (x + i) over those repair symbols' points and L(x) the product of (x + y) over the lost
 * points y, lost symbol y is the sum of
 *   lost factor(y) · repair factor(i) / (y + i)     · repair symbol i,   and of
 *   lost factor(y) · W(j) L(j) / N(j) / (y + j) · the received source symbol at point j:
 * the solution of the Cauchy system in closed form, O(e) for each factor.
 */
export interface ErasureSolution {
  /** M. */
  readonly space: number;
  /** N(y) / (W(y) L'(y)) for each lost symbol. */
  readonly lostFactors: Uint8Array;
  /**
   * The same divided by W(y) once more: L(i) / N'(i) times the syndromes are the values at 0..M-1 of a
   * polynomial of lower degree than M, 0 where there is no repair symbol; its value at y times this is
   * the lost symbol.
   */
  readonly transformFactors: Uint8Array;
  /** L(i) / N'(i) for each repair symbol. */
  readonly repairFactors: Uint8Array;
  /** The points of the lost and of the repair symbols. */
  readonly points: Uint8Array;
  readonly rows: Uint8Array;
}

/** `missing` has the ESIs of the lost source symbols, `repairs` as many of repair symbols. */
export function solutionOf(
  { k, n }: Shape,
  missing: readonly number[],
  repairs: readonly number[],
): ErasureSolution {
  const space = repairSpace(n - k);
  const rows = Uint8Array.from(repairs, (esi) => esi - k);
  const points = Uint8Array.from(missing, (esi) => space + esi);
  const lostFactors = points.map((point) => {
    const divisor = multiply(weightOf(point, space), otherDifferences(point, points));
    return divide(differences(point, rows), divisor);
  });
  return {
    space,
    lostFactors,
    transformFactors: lostFactors.map((factor, index) =>
      divide(factor, weightOf(points[index]!, space)),
    ),
    repairFactors: rows.map((row) => divide(differences(row, points), otherDifferences(row, rows))),
    points,
    rows,
  };
}

/** Rows: lost symbols; columns: the repair symbols. The inverse of the generator's part. */
export function repairPart({ points, rows, lostFactors, repairFactors }: ErasureSolution): Matrix {
  return cauchyMatrix(points, lostFactors, rows, repairFactors);
}

/** Rows: lost symbols; columns: the received source symbols `kept`. */
export function sourcePart(
  { space, points, rows, lostFactors }: ErasureSolution,
  kept: Uint8Array,
): Matrix {
  const keptPoints = kept.map((esi) => space + esi);
  const factors = keptPoints.map((point) => {
    const ratio = divide(differences(point, points), differences(point, rows));
    return multiply(weightOf(point, space), ratio);
  });
  return cauchyMatrix(points, lostFactors, keptPoints, factors);
}

/** Cell (i, j) is row factor i times column factor j over the difference of their points. */
function cauchyMatrix(
  rowPoints: Uint8Array,
  rowFactors: Uint8Array,
  columnPoints: Uint8Array,
  columnFactors: Uint8Array,
): Matrix {
  const columns = columnPoints.length;
  const cells = new Uint8Array(rowPoints.length * columns);
  for (const [row, rowPoint] of rowPoints.entries()) {
    for (let column = 0; column < columns; column++) {
      const factor = multiply(rowFactors[row]!, columnFactors[column]!);
      cells[row * columns + column] = divide(factor, rowPoint ^ columnPoints[column]!);
    }
  }
  return { rows: rowPoints.length, columns, cells };
}
