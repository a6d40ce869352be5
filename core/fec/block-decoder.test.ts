import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { toHex } from "../bytes.ts";
import { bestKernel } from "./best-kernel.ts";
import { BlockDecoder } from "./block-decoder.ts";
import { chooseFec, symbolOf } from "./parameters.ts";
import { plainKernel } from "./plain-kernel.ts";
import { codeOf } from "./testing/kernels.ts";
import { bytesFrom, pickedFrom } from "./testing/samples.ts";

const POLICY = { symbolBytesTarget: 512, repairRatio: 0.5 };

/** Every so often something that no honest neighbour sends. */
const hostile = fc.oneof(
  fc.record({ esi: fc.constantFrom(-1, 0.5, 1e9, Number.NaN), length: fc.constant(64) }),
  fc.record({ esi: fc.nat({ max: 60 }), length: fc.constantFrom(0, 1, 65, 1e6) }),
);

const FUZZ_RUNS = 300;

describe.each([
  ["the best kernel", bestKernel()],
  ["the plain kernel", plainKernel],
])("a block decoder on %s", (_name, kernel) => {
  test("gives the block back from any K symbols, whatever else it is sent", () => {
    const block = fc.record({
      length: fc.integer({ min: 1, max: 20_000 }),
      seed: fc.nat(),
      noise: fc.array(hostile, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(block, ({ length, seed, noise }) => {
        const source = bytesFrom(seed, length);
        const fec = chooseFec(length, POLICY);
        const repair = plainKernel.encode(source, fec);
        const decoder = new BlockDecoder(fec, length, kernel);
        for (const esi of pickedFrom(seed, fec.n, fec.n)) {
          if (decoder.needed === 0) break;
          for (const bad of noise) expectRefused(decoder, bad);
          const before = decoder.needed;
          decoder.add(esi, symbolOf(fec, source, repair, esi));
          decoder.add(esi, symbolOf(fec, source, repair, esi));
          expect(decoder.needed).toBe(before - 1);
        }
        expect(toHex(decoder.bytes())).toBe(toHex(source));
        const esi = fec.k + (seed % (fec.n - fec.k));
        expect(toHex(decoder.repair(esi))).toBe(toHex(symbolOf(fec, source, repair, esi)));
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  test("refuses parameters that cannot code its block", () => {
    const fec = chooseFec(5000, POLICY);
    for (const [bad, length] of [
      [{ ...fec, k: 1_000_000 }, 5000],
      [{ ...fec, n: fec.k }, 5000],
      [{ ...fec, symbolBytes: 100 }, 5000],
      [fec, 50_000],
    ] as const) {
      expect(codeOf(() => new BlockDecoder(bad, length, kernel))).toBe("fec-parameters");
    }
  });
});

/** A symbol of a wrong length or ESI is refused and changes nothing. */
function expectRefused(
  decoder: BlockDecoder,
  { esi, length }: { readonly esi: number; readonly length: number },
): void {
  const before = decoder.needed;
  expect(codeOf(() => decoder.add(esi, new Uint8Array(length)))).toBe("fec-symbols");
  expect(decoder.needed).toBe(before);
}
