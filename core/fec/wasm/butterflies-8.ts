import { productsOf, times } from "./field";

// Butterflies of the additive FFT over 8 rows: three levels in one pass. `from` and `to` are tables of
// row addresses, whose entries `step` bytes apart take part; `point` is the first row's point, counted
// in blocks of the first level. In a Cantor basis the twiddle factor of a level is the name of its
// block's first point, shifted right once a level (S.-J. Lin, W.-H. Chung, Y. S. Han, FOCS 2014).

@inline
function inverse8Columns(
  from: usize,
  to: usize,
  step: usize,
  point: usize,
  width: usize,
  add: bool,
): void {
  const t00 = productsOf(point);
  const t01 = productsOf(point + 2);
  const t02 = productsOf(point + 4);
  const t03 = productsOf(point + 6);
  const t10 = productsOf(point >> 1);
  const t11 = productsOf((point >> 1) + 2);
  const t20 = productsOf(point >> 2);
  const from0 = load<usize>(from);
  const to0 = load<usize>(to);
  const from1 = load<usize>(from + step);
  const to1 = load<usize>(to + step);
  const from2 = load<usize>(from + 2 * step);
  const to2 = load<usize>(to + 2 * step);
  const from3 = load<usize>(from + 3 * step);
  const to3 = load<usize>(to + 3 * step);
  const from4 = load<usize>(from + 4 * step);
  const to4 = load<usize>(to + 4 * step);
  const from5 = load<usize>(from + 5 * step);
  const to5 = load<usize>(to + 5 * step);
  const from6 = load<usize>(from + 6 * step);
  const to6 = load<usize>(to + 6 * step);
  const from7 = load<usize>(from + 7 * step);
  const to7 = load<usize>(to + 7 * step);
  for (let at: usize = 0; at < width; at += 16) {
    let x0 = v128.load(from0 + at);
    let x1 = v128.load(from1 + at);
    let x2 = v128.load(from2 + at);
    let x3 = v128.load(from3 + at);
    let x4 = v128.load(from4 + at);
    let x5 = v128.load(from5 + at);
    let x6 = v128.load(from6 + at);
    let x7 = v128.load(from7 + at);
    x1 = v128.xor(x1, x0);
    x0 = v128.xor(x0, times(t00, x1));
    x3 = v128.xor(x3, x2);
    x2 = v128.xor(x2, times(t01, x3));
    x5 = v128.xor(x5, x4);
    x4 = v128.xor(x4, times(t02, x5));
    x7 = v128.xor(x7, x6);
    x6 = v128.xor(x6, times(t03, x7));
    x2 = v128.xor(x2, x0);
    x0 = v128.xor(x0, times(t10, x2));
    x3 = v128.xor(x3, x1);
    x1 = v128.xor(x1, times(t10, x3));
    x6 = v128.xor(x6, x4);
    x4 = v128.xor(x4, times(t11, x6));
    x7 = v128.xor(x7, x5);
    x5 = v128.xor(x5, times(t11, x7));
    x4 = v128.xor(x4, x0);
    x0 = v128.xor(x0, times(t20, x4));
    x5 = v128.xor(x5, x1);
    x1 = v128.xor(x1, times(t20, x5));
    x6 = v128.xor(x6, x2);
    x2 = v128.xor(x2, times(t20, x6));
    x7 = v128.xor(x7, x3);
    x3 = v128.xor(x3, times(t20, x7));
    if (add) {
      x0 = v128.xor(x0, v128.load(to0 + at));
      x1 = v128.xor(x1, v128.load(to1 + at));
      x2 = v128.xor(x2, v128.load(to2 + at));
      x3 = v128.xor(x3, v128.load(to3 + at));
      x4 = v128.xor(x4, v128.load(to4 + at));
      x5 = v128.xor(x5, v128.load(to5 + at));
      x6 = v128.xor(x6, v128.load(to6 + at));
      x7 = v128.xor(x7, v128.load(to7 + at));
    }
    v128.store(to0 + at, x0);
    v128.store(to1 + at, x1);
    v128.store(to2 + at, x2);
    v128.store(to3 + at, x3);
    v128.store(to4 + at, x4);
    v128.store(to5 + at, x5);
    v128.store(to6 + at, x6);
    v128.store(to7 + at, x7);
  }
}

@inline
function forward8Columns(
  from: usize,
  to: usize,
  step: usize,
  point: usize,
  width: usize,
  atZero: bool,
): void {
  const t00 = productsOf(point);
  const t01 = productsOf(point + 2);
  const t02 = productsOf(point + 4);
  const t03 = productsOf(point + 6);
  const t10 = productsOf(point >> 1);
  const t11 = productsOf((point >> 1) + 2);
  const t20 = productsOf(point >> 2);
  const from0 = load<usize>(from);
  const to0 = load<usize>(to);
  const from1 = load<usize>(from + step);
  const to1 = load<usize>(to + step);
  const from2 = load<usize>(from + 2 * step);
  const to2 = load<usize>(to + 2 * step);
  const from3 = load<usize>(from + 3 * step);
  const to3 = load<usize>(to + 3 * step);
  const from4 = load<usize>(from + 4 * step);
  const to4 = load<usize>(to + 4 * step);
  const from5 = load<usize>(from + 5 * step);
  const to5 = load<usize>(to + 5 * step);
  const from6 = load<usize>(from + 6 * step);
  const to6 = load<usize>(to + 6 * step);
  const from7 = load<usize>(from + 7 * step);
  const to7 = load<usize>(to + 7 * step);
  for (let at: usize = 0; at < width; at += 16) {
    let x0 = v128.load(from0 + at);
    let x1 = v128.load(from1 + at);
    let x2 = v128.load(from2 + at);
    let x3 = v128.load(from3 + at);
    let x4 = v128.load(from4 + at);
    let x5 = v128.load(from5 + at);
    let x6 = v128.load(from6 + at);
    let x7 = v128.load(from7 + at);
    if (!atZero) x0 = v128.xor(x0, times(t20, x4));
    x4 = v128.xor(x4, x0);
    if (!atZero) x1 = v128.xor(x1, times(t20, x5));
    x5 = v128.xor(x5, x1);
    if (!atZero) x2 = v128.xor(x2, times(t20, x6));
    x6 = v128.xor(x6, x2);
    if (!atZero) x3 = v128.xor(x3, times(t20, x7));
    x7 = v128.xor(x7, x3);
    if (!atZero) x0 = v128.xor(x0, times(t10, x2));
    x2 = v128.xor(x2, x0);
    if (!atZero) x1 = v128.xor(x1, times(t10, x3));
    x3 = v128.xor(x3, x1);
    x4 = v128.xor(x4, times(t11, x6));
    x6 = v128.xor(x6, x4);
    x5 = v128.xor(x5, times(t11, x7));
    x7 = v128.xor(x7, x5);
    if (!atZero) x0 = v128.xor(x0, times(t00, x1));
    x1 = v128.xor(x1, x0);
    x2 = v128.xor(x2, times(t01, x3));
    x3 = v128.xor(x3, x2);
    x4 = v128.xor(x4, times(t02, x5));
    x5 = v128.xor(x5, x4);
    x6 = v128.xor(x6, times(t03, x7));
    x7 = v128.xor(x7, x6);
    v128.store(to0 + at, x0);
    v128.store(to1 + at, x1);
    v128.store(to2 + at, x2);
    v128.store(to3 + at, x3);
    v128.store(to4 + at, x4);
    v128.store(to5 + at, x5);
    v128.store(to6 + at, x6);
    v128.store(to7 + at, x7);
  }
}

/** From values to coefficients. */
export function inverse8(from: usize, to: usize, step: usize, point: usize, width: usize): void {
  inverse8Columns(from, to, step, point, width, false);
}

/** The same, added to what `to` has. */
export function addInverse8(from: usize, to: usize, step: usize, point: usize, width: usize): void {
  inverse8Columns(from, to, step, point, width, true);
}

/** From coefficients to values. At point 0 the first block of each level has the twiddle factor 0. */
export function forward8(from: usize, to: usize, step: usize, point: usize, width: usize): void {
  if (point == 0) forward8Columns(from, to, step, 0, width, true);
  else forward8Columns(from, to, step, point, width, false);
}
