import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import {
  DEFAULT_FEC_POLICY,
  type FecParameters,
  leafHash,
  nobleCrypto,
  plainKernel,
  symbolOf,
  toHex,
} from "../core/index.ts";
import { type BlockCoding, codeBlock } from "./block-coding.ts";
import { BlockMemory } from "./block-memory.ts";

/** Bytes that look random and are the same in every run. */
function bytesOf(seed: string, byteLength: number): Uint8Array {
  return createHash("shake256", { outputLength: byteLength }).update(seed).digest();
}

const memory = new BlockMemory();

function code(bytes: Uint8Array): BlockCoding & { fec: FecParameters } {
  const read = (target: Uint8Array) => target.set(bytes);
  const block = memory.load(bytes.length, DEFAULT_FEC_POLICY, read);
  return { ...codeBlock(block, plainKernel), fec: block.fec };
}

describe("codeBlock", () => {
  test.each([1, 63, 1000, 40_000, 375_000])(
    "codes %d bytes: every leaf is that of its symbol",
    (byteLength) => {
      const bytes = bytesOf("a", byteLength);
      const { fec, leaves, repair, sha256 } = code(bytes);
      expect(leaves.length).toBe(fec.n * 32);
      expect(repair.length).toBe((fec.n - fec.k) * fec.symbolBytes);
      expect(sha256).toBe(createHash("sha256").update(bytes).digest("base64url"));
      for (let esi = 0; esi < fec.n; esi++) {
        const expected = leafHash(nobleCrypto, symbolOf(fec, bytes, repair, esi));
        expect(toHex(leaves.subarray(esi * 32, esi * 32 + 32))).toBe(toHex(expected));
      }
    },
  );

  test("gives the same bytes for the same segment, whatever was coded in between", () => {
    const bytes = bytesOf("a", 100_000);
    const first = code(bytes);
    code(bytesOf("b", 375_000));
    const second = code(bytes);
    expect(toHex(second.repair)).toBe(toHex(first.repair));
    expect(toHex(second.leaves)).toBe(toHex(first.leaves));
    expect(second.sha256).toBe(first.sha256);
  });

  test("refuses an empty block", () => {
    expect(() => code(new Uint8Array(0))).toThrow(/bytes/);
  });
});
