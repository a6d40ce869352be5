import { expect, test } from "@jest/globals";
import { bestKernel } from "./best-kernel.ts";
import { plainKernel } from "./plain-kernel.ts";
import { bytesFrom, pickedFrom } from "./testing/samples.ts";

// A textbook for an oracle: shift-and-add multiplication, inverses by trying, and Lagrange's formula.
const CANTOR_BASIS = [1, 214, 152, 146, 86, 200, 88, 230];

/** The field element, as a polynomial modulo 0x11D, whose Cantor coordinates are the bits of `name`. */
function elementOf(name: number): number {
  return CANTOR_BASIS.reduce((sum, basis, bit) => ((name >>> bit) & 1 ? sum ^ basis : sum), 0);
}
const NAME_OF = new Map(Array.from({ length: 256 }, (_, name) => [elementOf(name), name]));

function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ (product & 0x80 ? 0x1_1d : 0);
    if ((b >>> bit) & 1) product ^= a;
  }
  return product;
}

const INVERSES = Array.from({ length: 256 }, (_, a) =>
  Array.from({ length: 256 }, (_, b) => b).find((b) => times(a, b) === 1),
);

/** The value at `x` of the polynomial of least degree through `points`. */
function interpolate(points: readonly (readonly [number, number])[], x: number): number {
  let value = 0;
  for (const [at, y] of points) {
    let term = y;
    for (const [other] of points) {
      if (other === at) continue;
      term = times(times(term, x ^ other), INVERSES[at ^ other] ?? 0);
    }
    value ^= term;
  }
  return value;
}

test.each([
  [4, 4],
  [16, 8],
  [32, 32],
  [24, 8],
  [7, 4],
  [100, 20],
  [10, 3],
])("k=%i with %i repair symbols are the sums of interpolated cosets", (k, repairs) => {
  const space = 2 ** Math.ceil(Math.log2(repairs));
  const fec = { code: "leopard-gf8", k, n: k + repairs, symbolBytes: 64 } as const;
  const source = bytesFrom(k, k * 64);
  const byteAt = (esi: number, at: number) => elementOf(source[esi * 64 + at] ?? 0);
  const encodings = [plainKernel, bestKernel()].map((kernel) => kernel.encode(source, fec));
  for (const at of pickedFrom(k, 64, 3)) {
    for (let row = 0; row < repairs; row++) {
      let sum = 0;
      for (let first = 0; first < k; first += space) {
        const coset = Array.from({ length: space }, (_, index) => first + index);
        const values = coset.map((esi) => [elementOf(space + esi), byteAt(esi, at)] as const);
        sum ^= interpolate(values, elementOf(row));
      }
      for (const repair of encodings) expect(repair[row * 64 + at]).toBe(NAME_OF.get(sum));
    }
  }
});
