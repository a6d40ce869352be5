import fc from "fast-check";
import { assert, equalBytes } from "../../index.ts";
import { BlockDecoder } from "../block-decoder.ts";
import type { FecKernel } from "../kernel.ts";
import { type FecParameters, symbolLength, symbolOf } from "../parameters.ts";
import { codeOf, shape } from "./kernels.ts";
import { bytesFrom, pickedFrom } from "./samples.ts";

/** A block, the order in which its symbols come, and what comes between them. */
export interface DecoderCase {
  readonly k: number;
  readonly repairs: number;
  readonly symbolBytes: number;
  /** Bytes that the last source symbol lacks. */
  readonly shortBy: number;
  readonly seed: number;
  /** What no honest neighbour sends, `after` so many symbols. */
  readonly noise: readonly {
    readonly after: number;
    readonly esi: number;
    readonly length: number;
  }[];
  /** What becomes of an honest symbol's ESI before it comes once more. */
  readonly repeats: readonly number[];
}

const noise = fc.record({
  after: fc.nat({ max: 40 }),
  esi: fc.oneof(
    fc.constantFrom(-1, 0.5, 2 ** 32, 1e9, Number.NaN, Number.POSITIVE_INFINITY),
    fc.integer({ min: -2, max: 300 }),
  ),
  length: fc.oneof(fc.constantFrom(0, 1, 63, 65, 70_000), fc.constant(64)),
});

/** Shapes of all sizes, small ones more often: there more happens at the edges. */
export const decoderCases: fc.Arbitrary<DecoderCase> = fc.record({
  k: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 192 })),
  repairs: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 64 })),
  symbolBytes: fc.constantFrom(64, 64, 64, 128, 320, 576),
  shortBy: fc.nat({ max: 575 }),
  seed: fc.nat(),
  noise: fc.array(noise, { maxLength: 4 }),
  repeats: fc.array(fc.nat({ max: 255 }), { maxLength: 4 }),
});

/**
 * Feeds a decoder and a model of it, the set of ESIs that it must hold, and compares them after each
 * step. Throws when they differ, and when anything but a StarlingError comes out of bad input.
 */
export function checkDecoder(decoderCase: DecoderCase, kernel: FecKernel): void {
  const { k, repairs, symbolBytes, seed } = decoderCase;
  const fec = shape(k, repairs, symbolBytes);
  const source = bytesFrom(seed, k * symbolBytes - (decoderCase.shortBy % symbolBytes));
  const repair = kernel.encode(source, fec);
  const decoder = new BlockDecoder(fec, source.length, kernel);
  const held = new Set<number>();
  const add = (esi: number) => {
    decoder.add(esi, symbolOf(fec, source, repair, esi));
    if (held.size < k) held.add(esi);
  };
  for (const [index, esi] of pickedFrom(seed, fec.n, fec.n).entries()) {
    for (const bad of decoderCase.noise) {
      if (bad.after === index) checkNoise(decoder, fec, source.length, bad);
    }
    add(esi);
    for (const repeat of decoderCase.repeats) if (repeat % fec.n === esi) add(esi);
    checkHeld(decoder, held, fec);
  }
  // All N came: what is held beyond the first K is nothing.
  for (const esi of held) checkSymbol(decoder, esi, symbolOf(fec, source, repair, esi));
  checkWhole(decoder, source, repair);
  for (const bad of decoderCase.noise) checkNoise(decoder, fec, source.length, bad);
  checkWhole(decoder, source, repair);
}

function checkHeld(
  decoder: BlockDecoder,
  held: ReadonlySet<number>,
  { k, n }: FecParameters,
): void {
  assert(decoder.needed === k - held.size, "needed counts what is not held yet");
  for (let esi = 0; esi < n; esi++) {
    assert(decoder.has(esi) === held.has(esi), "has tells what is held");
    assert((decoder.symbol(esi) !== undefined) === held.has(esi), "symbol gives what is held");
  }
}

function checkSymbol(decoder: BlockDecoder, esi: number, expected: Uint8Array): void {
  const symbol = decoder.symbol(esi);
  assert(symbol !== undefined && equalBytes(symbol, expected), "a symbol is as it was added");
}

/** What does not fit is refused, and what does fit here would be a symbol like any other. */
function checkNoise(
  decoder: BlockDecoder,
  fec: FecParameters,
  byteLength: number,
  { esi, length }: { readonly esi: number; readonly length: number },
): void {
  const isSymbol = Number.isInteger(esi) && esi >= 0 && esi < fec.n;
  if (isSymbol && symbolLength(fec, byteLength, esi) === length) return;
  const before = decoder.needed;
  const code = codeOf(() => decoder.add(esi, new Uint8Array(length)));
  assert(code === "fec-symbols", "a symbol that does not fit is refused");
  assert(decoder.needed === before, "a symbol that is refused changes nothing");
}

function checkWhole(decoder: BlockDecoder, source: Uint8Array, repair: Uint8Array): void {
  const { fec } = decoder;
  assert(equalBytes(decoder.bytes(), source), "a complete block is the block");
  for (const esi of [0, fec.k - 1]) {
    checkSymbol(decoder, esi, symbolOf(fec, source, repair, esi));
  }
  for (const esi of [fec.k, fec.n - 1]) {
    const again = symbolOf(fec, source, repair, esi);
    assert(equalBytes(decoder.repair(esi), again), "a repair symbol is made again");
  }
  for (const esi of [fec.k - 1, fec.n, Number.NaN]) {
    const code = codeOf(() => decoder.repair(esi));
    assert(code === "fec-symbols", "only repair symbols are made again");
  }
}
