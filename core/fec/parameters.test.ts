import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BLOCK_BYTES_MAX, checkFec, chooseFec, splitSegment, symbolLength } from "./parameters.ts";

describe("chooseFec", () => {
  const MB = 1_000_000;
  test.each([
    [1, 1, 2],
    [1200, 2, 3],
    [20_000, 20, 24],
    [375_000, 32, 40],
    [750_000, 46, 58],
    [2 * MB, 123, 154],
    [8 * MB, 192, 240],
  ])("codes %i bytes as k=%i, n=%i", (byteLength, k, n) => {
    expect(chooseFec(byteLength)).toMatchObject({ k, n });
  });

  test("gives parameters that check, and symbols that add up, for any block", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: BLOCK_BYTES_MAX }),
        fc.integer({ min: 1024, max: 60_000 }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        (byteLength, symbolBytesTarget, repairRatio) => {
          const fec = chooseFec(byteLength, { symbolBytesTarget, repairRatio });
          checkFec(fec, byteLength);
          let sum = 0;
          for (let esi = 0; esi < fec.k; esi++) sum += symbolLength(fec, byteLength, esi);
          expect(sum).toBe(byteLength);
        },
      ),
    );
  });

  test.each([0, -1, 1.5, Number.NaN, BLOCK_BYTES_MAX + 1])("refuses %d bytes", (byteLength) => {
    expect(() => chooseFec(byteLength)).toThrow(
      expect.objectContaining({ code: "fec-block-size" }),
    );
  });

  test.each([
    { symbolBytesTarget: Number.NaN, repairRatio: 0.25 },
    { symbolBytesTarget: 16_384, repairRatio: Number.NaN },
  ])("refuses a policy that is no policy: %o", (policy) => {
    expect(() => chooseFec(5000, policy)).toThrow(
      expect.objectContaining({ code: "fec-parameters" }),
    );
  });
});

describe("splitSegment", () => {
  test.each([1, 20_000, 8_000_000, BLOCK_BYTES_MAX])("leaves %i bytes whole", (byteLength) => {
    expect(splitSegment(byteLength)).toEqual([byteLength]);
  });

  test.each([
    [BLOCK_BYTES_MAX + 1, 2],
    [16_000_000, 2],
    [2 * BLOCK_BYTES_MAX + 1, 3],
  ])("cuts %i bytes in %i", (byteLength, count) => {
    expect(splitSegment(byteLength)).toHaveLength(count);
  });

  test("gives the bytes of any segment to parts that can be coded, with the same protection", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 * 1024 * 1024 }), (byteLength) => {
        const parts = splitSegment(byteLength);
        expect(parts.reduce((sum, part) => sum + part)).toBe(byteLength);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
        const codes = parts.map((part) => chooseFec(part));
        expect(new Set(codes.map(({ k, n }) => n - k)).size).toBe(1);
        const counts = codes.map(({ k }) => k);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
