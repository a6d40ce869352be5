/**
 * GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D) in the coordinates of a Cantor basis, as
 * Leopard has it (S.-J. Lin, W.-H. Chung, Y. S. Han, "Novel Polynomial Basis", FOCS 2014):
 * the element named x is the sum of the basis elements at the set bits of x, so addition is XOR of
 * names and the subspaces that the code evaluates over are the runs 0..2^r-1.
 */
const POLYNOMIAL = 0x1_1d;
const CANTOR_BASIS: readonly number[] = [1, 214, 152, 146, 86, 200, 88, 230];
const ORDER = 255;

/** LOG[x]: the discrete logarithm of the element named x. LOG[0] is not used. */
const LOG = new Uint8Array(256);
/** EXP[i]: the name of the generator's i-th power; twice over, so that sums of two logs need no modulo. */
const EXP = new Uint8Array(2 * ORDER);

function fillTables(): void {
  const logOfPolynomial = new Uint8Array(256);
  let power = 1;
  for (let exponent = 0; exponent < ORDER; exponent++) {
    logOfPolynomial[power] = exponent;
    power <<= 1;
    if (power > 0xff) power ^= POLYNOMIAL;
  }
  for (let name = 1; name < 256; name++) {
    let element = 0;
    for (let bit = 0; bit < 8; bit++) {
      if ((name >>> bit) & 1) element ^= CANTOR_BASIS[bit]!;
    }
    const log = logOfPolynomial[element]!;
    LOG[name] = log;
    EXP[log] = name;
    EXP[log + ORDER] = name;
  }
}
fillTables();

/** The product of two elements. */
export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

/** The quotient of two elements; `b` is not 0. */
export function divide(a: number, b: number): number {
  return a === 0 ? 0 : EXP[LOG[a]! + ORDER - LOG[b]!]!;
}

/** The product of (x + root) over the roots. */
export function differences(x: number, roots: Uint8Array): number {
  return roots.includes(x) ? 0 : otherDifferences(x, roots);
}

/** The same without the root that is x: the derivative there of the product, as a polynomial in x. */
export function otherDifferences(x: number, roots: Uint8Array): number {
  let log = 0;
  for (let index = 0; index < roots.length; index++) {
    const difference = x ^ roots[index]!;
    if (difference !== 0) log += LOG[difference]!;
  }
  return EXP[log % ORDER]!;
}
