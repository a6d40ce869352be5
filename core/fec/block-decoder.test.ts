import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BlockDecoder } from "./block-decoder.ts";
import { chooseFec, SOURCE_SYMBOLS_MAX, SYMBOL_BYTES_MAX } from "./parameters.ts";
import { checkDecoder, decoderCases } from "./testing/decoder-model.ts";
import { codeOf, KERNELS, shape } from "./testing/kernels.ts";

/** `npm run fuzz:codec` runs a hundred thousand. */
const FUZZ_CASES = 400;
const SEED = 1;

describe.each(KERNELS)("a block decoder on the %s kernel", (_name, kernel) => {
  test("gives the block back from any K symbols, whatever else it is sent", () => {
    fc.assert(
      fc.property(decoderCases, (decoderCase) => checkDecoder(decoderCase, kernel)),
      { numRuns: FUZZ_CASES, seed: SEED },
    );
  });

  test("refuses parameters that cannot code its block", () => {
    const fec = chooseFec(5000);
    const bad = [
      [{ ...fec, k: 1_000_000 }, 5000],
      [{ ...fec, k: 2 ** 40, n: 2 ** 40 + 1 }, 5000],
      [{ ...fec, k: fec.k + 0.5 }, 5000],
      [{ ...fec, k: Number.NaN }, 5000],
      [{ ...fec, n: fec.k }, 5000],
      [{ ...fec, n: fec.k + 65 }, 5000],
      [{ ...fec, n: fec.k + 0.5 }, 5000],
      [{ ...fec, symbolBytes: 100 }, 5000],
      [{ ...fec, symbolBytes: 64.5 }, 5000],
      [{ ...fec, symbolBytes: 0 }, 5000],
      [fec, 50_000],
      [fec, 1],
      [fec, 0],
      [fec, -1],
      [fec, 4999.5],
      [fec, Number.NaN],
    ] as const;
    for (const [parameters, length] of bad) {
      expect(codeOf(() => new BlockDecoder(parameters, length, kernel))).toBe("fec-parameters");
    }
  });

  test("keeps no more bytes than K symbols and the repair symbols it needs", () => {
    const fec = shape(SOURCE_SYMBOLS_MAX, 64, SYMBOL_BYTES_MAX);
    const byteLength = fec.k * fec.symbolBytes;
    const symbol = new Uint8Array(fec.symbolBytes);
    const before = process.memoryUsage().arrayBuffers;
    const decoder = new BlockDecoder(fec, byteLength, kernel);
    for (let esi = fec.n - 1; esi >= 0; esi--) decoder.add(esi, symbol);
    for (let esi = fec.n - 1; esi >= 0; esi--) decoder.add(esi, symbol);
    const kept = process.memoryUsage().arrayBuffers - before;
    expect(kept).toBeLessThanOrEqual(byteLength + 64 * fec.symbolBytes + 4096);
    expect(decoder.needed).toBe(0);
  });
});
