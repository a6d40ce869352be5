import { concatBytes } from "../bytes.ts";
import { generatorOf, repairPart, solutionOf, sourcePart } from "./cauchy.ts";
import { checkDecode, checkEncode, type EsiRange, type FecKernel } from "./kernel.ts";
import type { FecParameters } from "./parameters.ts";
import { addProduct, type PreparedMatrix, prepare } from "./symbol-product.ts";

/** Prepared generators by "k/n". A stream uses one or two shapes; a hundred streams use a few dozen. */
const GENERATORS_MAX = 32;
const generators = new Map<string, PreparedMatrix>();

function preparedGenerator({ k, n }: FecParameters): PreparedMatrix {
  const shape = `${k}/${n}`;
  const known = generators.get(shape);
  if (known !== undefined) return known;
  if (generators.size >= GENERATORS_MAX) {
    const [oldest] = generators.keys();
    if (oldest !== undefined) generators.delete(oldest);
  }
  const prepared = prepare(generatorOf({ k, n }, { firstRow: 0, endRow: n - k }));
  generators.set(shape, prepared);
  return prepared;
}

/** The rows of the generator that make a range of repair symbols. */
function generatorFor(fec: FecParameters, { firstEsi, endEsi }: EsiRange): PreparedMatrix {
  const { k, n } = fec;
  if (firstEsi === k && endEsi === n) return preparedGenerator(fec);
  return prepare(generatorOf(fec, { firstRow: firstEsi - k, endRow: endEsi - k }));
}

/** The kernel in plain TypeScript: the code's Cauchy-matrix form, by table lookups. */
export const plainKernel: FecKernel = {
  workspace: undefined,

  encode(source, fec, target) {
    return this.encodeRange(source, fec, { firstEsi: fec.k, endEsi: fec.n }, target);
  },

  encodeRange(source, fec, range, target) {
    const repair = checkEncode(source, fec, range, target);
    const { k, symbolBytes } = fec;
    let padded = source;
    if (source.length < k * symbolBytes) {
      padded = new Uint8Array(k * symbolBytes);
      padded.set(source);
    }
    repair.fill(0);
    addProduct(
      generatorFor(fec, range),
      { buffer: padded, offsets: offsetsOf(count(k), symbolBytes) },
      { buffer: repair, offsets: offsetsOf(count(range.endEsi - range.firstEsi), symbolBytes) },
      symbolBytes,
    );
    return repair;
  },

  decode(padded, missing, repair, fec) {
    const used = checkDecode(padded, missing, repair, fec);
    if (missing.length === 0) return;
    const { k, symbolBytes } = fec;
    const lost = new Set(missing);
    const kept = count(k).filter((esi) => !lost.has(esi));
    const esis = [...used.keys()];
    const solution = solutionOf(fec, missing, esis);
    const solved = { buffer: padded, offsets: offsetsOf(missing, symbolBytes) };
    for (const offset of solved.offsets) padded.fill(0, offset, offset + symbolBytes);
    const received = { buffer: padded, offsets: offsetsOf(kept, symbolBytes) };
    addProduct(prepare(sourcePart(solution, Uint8Array.from(kept))), received, solved, symbolBytes);
    const repairs = {
      buffer: concatBytes(...used.values()),
      offsets: offsetsOf(count(esis.length), symbolBytes),
    };
    const inverse = repairPart(solution);
    addProduct(prepare(inverse), repairs, solved, symbolBytes);
  },
};

function count(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function offsetsOf(indexes: readonly number[], symbolBytes: number): number[] {
  return indexes.map((index) => index * symbolBytes);
}
