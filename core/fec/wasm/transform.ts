import { addInverse4, forward4, inverse4 } from "./butterflies-4";
import { addInverse8, forward8, inverse8 } from "./butterflies-8";
import { SUM_ROWS, WORK_ROWS, ZEROS } from "./layout";

// Transforms of M = 2^levels rows, 4 <= M <= 64, in one pass or two: up to three levels in registers
// (butterflies-8), else two passes with the work tile between them.

/** Levels of the pass next to the values. */
@inline
function nearLevels(levels: usize): usize {
  return levels == 2 || levels == 4 ? 2 : 3;
}

/**
 * Values at `point`.. from the rows of `from`, of which the first `count` are not zero, to
 * coefficients in the sums: stored there, or added to them.
 */
export function inverse(
  from: usize,
  point: usize,
  count: usize,
  levels: usize,
  width: usize,
  add: bool,
): void {
  const near = nearLevels(levels);
  const far = levels - near;
  if (far == 0) {
    addOrStoreInverse(near, from, SUM_ROWS, 4, point, width, add);
    return;
  }
  for (let unit: usize = 0; unit < 1 << far; unit++) {
    const row = unit << near;
    const at = row << 2;
    if (row >= count) clearRows(WORK_ROWS + at, 1 << near, width);
    else addOrStoreInverse(near, from + at, WORK_ROWS + at, 4, point + row, width, false);
  }
  for (let row: usize = 0; row < 1 << near; row++) {
    const at = row << 2;
    addOrStoreInverse(far, WORK_ROWS + at, SUM_ROWS + at, 4 << near, point >> near, width, add);
  }
}

function addOrStoreInverse(
  levels: usize,
  from: usize,
  to: usize,
  step: usize,
  point: usize,
  width: usize,
  add: bool,
): void {
  if (levels == 2) {
    if (add) addInverse4(from, to, step, point, width);
    else inverse4(from, to, step, point, width);
  } else if (add) addInverse8(from, to, step, point, width);
  else inverse8(from, to, step, point, width);
}

/** Coefficients in the sums to values at `point`.. in the rows of `to`, of which `count` are wanted. */
export function forward(
  to: usize,
  point: usize,
  count: usize,
  levels: usize,
  width: usize,
): void {
  const near = nearLevels(levels);
  const far = levels - near;
  if (far == 0) {
    forwardPass(near, SUM_ROWS, to, 4, point, width);
    return;
  }
  for (let row: usize = 0; row < 1 << near; row++) {
    const at = row << 2;
    forwardPass(far, SUM_ROWS + at, WORK_ROWS + at, 4 << near, point >> near, width);
  }
  for (let unit: usize = 0; unit << near < count; unit++) {
    const first = (unit << near) << 2;
    forwardPass(near, WORK_ROWS + first, to + first, 4, point + (unit << near), width);
  }
}

function forwardPass(
  levels: usize,
  from: usize,
  to: usize,
  step: usize,
  point: usize,
  width: usize,
): void {
  if (levels == 2) forward4(from, to, step, point, width);
  else forward8(from, to, step, point, width);
}

function clearRows(rows: usize, count: usize, width: usize): void {
  const zeros = v128.load(ZEROS);
  for (let row: usize = 0; row < count; row++) {
    const start = load<usize>(rows + (row << 2));
    for (let at: usize = 0; at < width; at += 16) v128.store(start + at, zeros);
  }
}
