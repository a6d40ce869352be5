import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { toHex } from "../bytes.ts";
import { nobleCrypto } from "../crypto.ts";
import type { FecParameters } from "./parameters.ts";
import { plainKernel } from "./plain-kernel.ts";
import { KERNELS, shape } from "./testing/kernels.ts";
import { bytesFrom, pickedFrom } from "./testing/samples.ts";

interface CodedBlock {
  readonly source: Uint8Array;
  readonly repair: Uint8Array;
  readonly fec: FecParameters;
}

function blockOf(seed: number, fec: FecParameters): CodedBlock {
  const source = bytesFrom(seed, fec.k * fec.symbolBytes);
  return { source, repair: plainKernel.encode(source, fec), fec };
}

describe.each(KERNELS)("the %s kernel", (_name, kernel) => {
  /** Encodes, loses the source symbols `missing`, and decodes from the repair symbols `kept`. */
  function decoded(
    { source, repair, fec }: CodedBlock,
    missing: readonly number[],
    kept: readonly number[],
  ): Uint8Array {
    const symbol = (esi: number) =>
      repair.subarray((esi - fec.k) * fec.symbolBytes, (esi - fec.k + 1) * fec.symbolBytes);
    const padded = source.slice();
    for (const esi of missing) {
      padded.fill(0xa5, esi * fec.symbolBytes, (esi + 1) * fec.symbolBytes);
    }
    kernel.decode(padded, missing, new Map(kept.map((esi) => [esi, symbol(esi)])), fec);
    return padded;
  }

  test("decodes every pattern of losses of small blocks", () => {
    for (let k = 1; k <= 4; k++) {
      for (let repairs = 1; repairs <= 4; repairs++) {
        const block = blockOf(k * 8 + repairs, shape(k, repairs));
        const { source, fec } = block;
        for (let received = 0; received < 2 ** fec.n; received++) {
          const esis = Array.from({ length: fec.n }, (_, esi) => esi);
          const lost = esis.filter((esi) => esi < k && ((received >>> esi) & 1) === 0);
          const kept = esis.filter((esi) => esi >= k && ((received >>> esi) & 1) === 1);
          if (kept.length < lost.length) continue;
          expect(toHex(decoded(block, lost, kept))).toBe(toHex(source));
        }
      }
    }
  });

  test("decodes random patterns of any shape", () => {
    const shapes = fc.record({
      k: fc.integer({ min: 1, max: 192 }),
      repairs: fc.integer({ min: 1, max: 64 }),
      units: fc.integer({ min: 1, max: 40 }),
      lossShare: fc.double({ min: 0, max: 1, noNaN: true }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(shapes, ({ k, repairs, units, lossShare, seed }) => {
        const fec = shape(k, repairs, units * 64);
        const block = blockOf(seed, fec);
        const losses = Math.round(lossShare * Math.min(k, repairs));
        const missing = pickedFrom(seed, k, losses);
        const kept = pickedFrom(seed + 1, repairs, losses).map((row) => k + row);
        expect(toHex(nobleCrypto.sha256(decoded(block, missing, kept)))).toBe(
          toHex(nobleCrypto.sha256(block.source)),
        );
      }),
      { numRuns: 100 },
    );
  });
});
