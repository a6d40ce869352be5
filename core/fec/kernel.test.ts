import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { toHex } from "../bytes.ts";
import { nobleCrypto } from "../crypto.ts";
import { bestKernel, loadBestKernel, wasmKernel } from "./best-kernel.ts";
import { BLOCK_BYTES_MAX } from "./parameters.ts";
import { plainKernel } from "./plain-kernel.ts";
import { KERNELS, shape } from "./testing/kernels.ts";
import { bytesFrom } from "./testing/samples.ts";

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

test("Node.js takes the build with strict SIMD", () => {
  expect(wasmKernel("strict")).toBeDefined();
});

test("the best kernel of a thread is one, however it is loaded", async () => {
  expect(await loadBestKernel()).toBe(bestKernel());
  expect(bestKernel()).not.toBe(plainKernel);
});

describe.each(KERNELS)("the %s kernel", (_name, kernel) => {
  test.each(VECTORS.vectors)("makes Leopard's repair symbols for k=$k, n=$n", (vector) => {
    const fec = { code: "leopard-gf8", ...vector } as const;
    const repair = kernel.encode(sourceOf(vector.k * vector.symbolBytes), fec);
    expect(toHex(repair.subarray(0, vector.symbolBytes))).toBe(vector.firstRepairSymbol);
    expect(toHex(nobleCrypto.sha256(repair))).toBe(vector.repairSha256);
  });

  test("makes any range of repair symbols alone, into any memory", () => {
    const fec = shape(100, 20, 192);
    const source = bytesFrom(7, 100 * 192 - 50);
    const all = kernel.encode(source, fec);
    expect(toHex(all)).toBe(toHex(plainKernel.encode(source, fec)));
    for (const [firstEsi, endEsi] of [
      [100, 101],
      [103, 107],
      [101, 119],
      [119, 120],
    ] as const) {
      const target = new Uint8Array((endEsi - firstEsi) * 192);
      const range = kernel.encodeRange(source, fec, { firstEsi, endEsi }, target);
      expect(range).toBe(target);
      expect(toHex(range)).toBe(toHex(all.subarray((firstEsi - 100) * 192, (endEsi - 100) * 192)));
    }
  });

  test("codes a block in its own memory like any other, and the largest one", () => {
    const fec = shape(192, 64, 65_472);
    const source = bytesFrom(3, BLOCK_BYTES_MAX);
    const { workspace = new Uint8Array(BLOCK_BYTES_MAX) } = kernel;
    workspace.set(source);
    const range = { firstEsi: 192, endEsi: 200 };
    const inPlace = nobleCrypto.sha256(kernel.encodeRange(workspace, fec, range));
    expect(toHex(inPlace)).toBe(toHex(nobleCrypto.sha256(kernel.encodeRange(source, fec, range))));
  });
});
