import { productsOf, times } from "./field";

// Butterflies of the additive FFT over 4 rows: two levels in one pass. `from` and `to` are tables of
// row addresses, whose entries `step` bytes apart take part; `point` is the first row's point, counted
// in blocks of the first level. In a Cantor basis the twiddle factor of a level is the name of its
// block's first point, shifted right once a level (S.-J. Lin, W.-H. Chung, Y. S. Han, FOCS 2014).

@inline
function inverse4Columns(
  from: usize,
  to: usize,
  step: usize,
  point: usize,
  width: usize,
  add: bool,
): void {
  const t00 = productsOf(point);
  const t01 = productsOf(point + 2);
  const t10 = productsOf(point >> 1);
  const from0 = load<usize>(from);
  const to0 = load<usize>(to);
  const from1 = load<usize>(from + step);
  const to1 = load<usize>(to + step);
  const from2 = load<usize>(from + 2 * step);
  const to2 = load<usize>(to + 2 * step);
  const from3 = load<usize>(from + 3 * step);
  const to3 = load<usize>(to + 3 * step);
  for (let at: usize = 0; at < width; at += 16) {
    let x0 = v128.load(from0 + at);
    let x1 = v128.load(from1 + at);
    let x2 = v128.load(from2 + at);
    let x3 = v128.load(from3 + at);
    x1 = v128.xor(x1, x0);
    x0 = v128.xor(x0, times(t00, x1));
    x3 = v128.xor(x3, x2);
    x2 = v128.xor(x2, times(t01, x3));
    x2 = v128.xor(x2, x0);
    x0 = v128.xor(x0, times(t10, x2));
    x3 = v128.xor(x3, x1);
    x1 = v128.xor(x1, times(t10, x3));
    if (add) {
      x0 = v128.xor(x0, v128.load(to0 + at));
      x1 = v128.xor(x1, v128.load(to1 + at));
      x2 = v128.xor(x2, v128.load(to2 + at));
      x3 = v128.xor(x3, v128.load(to3 + at));
    }
    v128.store(to0 + at, x0);
    v128.store(to1 + at, x1);
    v128.store(to2 + at, x2);
    v128.store(to3 + at, x3);
  }
}

@inline
function forward4Columns(
  from: usize,
  to: usize,
  step: usize,
  point: usize,
  width: usize,
  atZero: bool,
): void {
  const t00 = productsOf(point);
  const t01 = productsOf(point + 2);
  const t10 = productsOf(point >> 1);
  const from0 = load<usize>(from);
  const to0 = load<usize>(to);
  const from1 = load<usize>(from + step);
  const to1 = load<usize>(to + step);
  const from2 = load<usize>(from + 2 * step);
  const to2 = load<usize>(to + 2 * step);
  const from3 = load<usize>(from + 3 * step);
  const to3 = load<usize>(to + 3 * step);
  for (let at: usize = 0; at < width; at += 16) {
    let x0 = v128.load(from0 + at);
    let x1 = v128.load(from1 + at);
    let x2 = v128.load(from2 + at);
    let x3 = v128.load(from3 + at);
    if (!atZero) x0 = v128.xor(x0, times(t10, x2));
    x2 = v128.xor(x2, x0);
    if (!atZero) x1 = v128.xor(x1, times(t10, x3));
    x3 = v128.xor(x3, x1);
    if (!atZero) x0 = v128.xor(x0, times(t00, x1));
    x1 = v128.xor(x1, x0);
    x2 = v128.xor(x2, times(t01, x3));
    x3 = v128.xor(x3, x2);
    v128.store(to0 + at, x0);
    v128.store(to1 + at, x1);
    v128.store(to2 + at, x2);
    v128.store(to3 + at, x3);
  }
}

/** From values to coefficients. */
export function inverse4(from: usize, to: usize, step: usize, point: usize, width: usize): void {
  inverse4Columns(from, to, step, point, width, false);
}

/** The same, added to what `to` has. */
export function addInverse4(from: usize, to: usize, step: usize, point: usize, width: usize): void {
  inverse4Columns(from, to, step, point, width, true);
}

/** From coefficients to values. At point 0 the first block of each level has the twiddle factor 0. */
export function forward4(from: usize, to: usize, step: usize, point: usize, width: usize): void {
  if (point == 0) forward4Columns(from, to, step, 0, width, true);
  else forward4Columns(from, to, step, point, width, false);
}
