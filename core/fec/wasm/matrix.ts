import { product, productsOf, times } from "./field";

/**
 * Four output rows at a time: sums of two vectors a row stay in registers while the columns pass by.
 * `rows` is a multiple of four; coefficients are in groups of four rows, column by column.
 */
export function multiplyRows(
  rows: usize,
  columns: usize,
  coefficients: usize,
  from: usize,
  to: usize,
  width: usize,
): void {
  for (let row: usize = 0; row < rows; row += 4) {
    const targets = to + (row << 2);
    const cells = coefficients + row * columns;
    for (let at: usize = 0; at < width; at += 32) {
      fourSums(columns, cells, from, targets, at);
    }
  }
}

@inline
function fourSums(columns: usize, cells: usize, from: usize, to: usize, at: usize): void {
  let a0 = i64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = from + (columns << 2);
  for (let column = from; column < end; column += 4) {
    const source = load<usize>(column) + at;
    const x0 = v128.load(source);
    const x1 = v128.load(source, 16);
    const a = productsOf(load<u8>(cells));
    a0 = v128.xor(a0, times(a, x0));
    a1 = v128.xor(a1, times(a, x1));
    const b = productsOf(load<u8>(cells, 1));
    b0 = v128.xor(b0, times(b, x0));
    b1 = v128.xor(b1, times(b, x1));
    const c = productsOf(load<u8>(cells, 2));
    c0 = v128.xor(c0, times(c, x0));
    c1 = v128.xor(c1, times(c, x1));
    const d = productsOf(load<u8>(cells, 3));
    d0 = v128.xor(d0, times(d, x0));
    d1 = v128.xor(d1, times(d, x1));
    cells += 4;
  }
  storePair(load<usize>(to) + at, a0, a1);
  storePair(load<usize>(to, 4) + at, b0, b1);
  storePair(load<usize>(to, 8) + at, c0, c1);
  storePair(load<usize>(to, 12) + at, d0, d1);
}

@inline
function storePair(at: usize, low: v128, high: v128): void {
  v128.store(at, low);
  v128.store(at, high, 16);
}

/** One output row: four columns at a time, with their tables in registers. `columns` is a multiple of four. */
export function multiplyRow(
  columns: usize,
  cells: usize,
  from: usize,
  to: usize,
  width: usize,
): void {
  for (let column: usize = 0; column < columns; column += 4) {
    const sources = from + (column << 2);
    const cell = cells + column;
    if (column == 0) addColumns(sources, cell, to, width, true);
    else addColumns(sources, cell, to, width, false);
  }
}

@inline
function addColumns(from: usize, cells: usize, to: usize, width: usize, first: bool): void {
  const a = load<usize>(from);
  const b = load<usize>(from, 4);
  const c = load<usize>(from, 8);
  const d = load<usize>(from, 12);
  const aProducts = productsOf(load<u8>(cells));
  const bProducts = productsOf(load<u8>(cells, 1));
  const cProducts = productsOf(load<u8>(cells, 2));
  const dProducts = productsOf(load<u8>(cells, 3));
  const aLow = v128.load(aProducts);
  const aHigh = v128.load(aProducts, 16);
  const bLow = v128.load(bProducts);
  const bHigh = v128.load(bProducts, 16);
  const cLow = v128.load(cProducts);
  const cHigh = v128.load(cProducts, 16);
  const dLow = v128.load(dProducts);
  const dHigh = v128.load(dProducts, 16);
  for (let at: usize = 0; at < width; at += 16) {
    let sum = v128.xor(
      v128.xor(product(aLow, aHigh, v128.load(a + at)), product(bLow, bHigh, v128.load(b + at))),
      v128.xor(product(cLow, cHigh, v128.load(c + at)), product(dLow, dHigh, v128.load(d + at))),
    );
    if (!first) sum = v128.xor(sum, v128.load(to + at));
    v128.store(to + at, sum);
  }
}

/** Multiplies a row by one element, in place. */
export function scaleRow(row: usize, factor: usize, width: usize): void {
  const products = productsOf(factor);
  const low = v128.load(products);
  const high = v128.load(products, 16);
  for (let at: usize = 0; at < width; at += 16) {
    v128.store(row + at, product(low, high, v128.load(row + at)));
  }
}

/** Adds one row to another. */
export function addRow(row: usize, to: usize, width: usize): void {
  for (let at: usize = 0; at < width; at += 16) {
    v128.store(to + at, v128.xor(v128.load(to + at), v128.load(row + at)));
  }
}

/** Copies a row. */
export function copyRow(row: usize, to: usize, width: usize): void {
  for (let at: usize = 0; at < width; at += 16) v128.store(to + at, v128.load(row + at));
}
