import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { toHex } from "../bytes.ts";
import { nobleCrypto } from "../crypto.ts";
import { BlockDecoder } from "./block-decoder.ts";
import { chooseFec, symbolOf } from "./parameters.ts";
import { plainKernel } from "./plain-kernel.ts";

interface LeopardVectors {
  readonly vectors: readonly {
    readonly k: number;
    readonly n: number;
    readonly symbolBytes: number;
    readonly firstRepairSymbol: string;
    readonly repairSha256: string;
  }[];
}

const VECTORS: LeopardVectors = JSON.parse(
  readFileSync(`${import.meta.dirname}/../../fixtures/vectors/leopard-gf8.json`, "utf8"),
);

/** Byte i is byte i mod 32 of SHA-256(u32be(i div 32)). */
function sourceOf(length: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(length / 32) * 32);
  const counter = new DataView(new ArrayBuffer(4));
  for (let index = 0; index * 32 < length; index++) {
    counter.setUint32(0, index);
    bytes.set(nobleCrypto.sha256(new Uint8Array(counter.buffer)), index * 32);
  }
  return bytes.subarray(0, length);
}

describe("the plain kernel", () => {
  test.each(VECTORS.vectors)("makes Leopard's repair symbols for k=$k, n=$n", (vector) => {
    const fec = { code: "leopard-gf8", ...vector } as const;
    const repair = plainKernel.encode(sourceOf(vector.k * vector.symbolBytes), fec);
    expect(toHex(repair.subarray(0, vector.symbolBytes))).toBe(vector.firstRepairSymbol);
    expect(toHex(nobleCrypto.sha256(repair))).toBe(vector.repairSha256);
  });

  test("gives the block back from any K of its N symbols", () => {
    const block = fc.record({
      length: fc.integer({ min: 1, max: 40_000 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(block, ({ length, seed }) => {
        const source = sourceOf(length);
        const fec = chooseFec(length, { symbolBytesTarget: 512, repairRatio: 0.5 });
        const repair = plainKernel.encode(source, fec);
        const decoder = new BlockDecoder(fec, length);
        for (const esi of shuffled(fec.n, seed)) {
          if (decoder.needed === 0) break;
          decoder.add(esi, symbolOf(fec, source, repair, esi));
        }
        expect(toHex(decoder.bytes())).toBe(toHex(source));
      }),
    );
  });
});

/** The numbers 0..count-1 in an order drawn from `seed`. */
function shuffled(count: number, seed: number): number[] {
  let state = seed >>> 0;
  const keyed = Array.from({ length: count }, (_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return [state, index] as const;
  });
  return keyed.sort(([a], [b]) => a - b).map(([, index]) => index);
}
