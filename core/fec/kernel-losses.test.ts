import { describe, expect, test } from "@jest/globals";
import { KERNELS, shape } from "./testing/kernels.ts";
import { checkEveryPattern, checkRandomPatterns } from "./testing/patterns.ts";

/** `npm run fuzz:codec` runs the long forms of these. */
const SYMBOLS_MAX = 9;
const RANDOM_PATTERNS = 40;

describe.each(KERNELS)("the %s kernel", (_name, kernel) => {
  test("decodes every pattern of losses of small blocks", () => {
    expect(checkEveryPattern(kernel, SYMBOLS_MAX)).toBeGreaterThan(2 ** SYMBOLS_MAX);
  });

  test.each([
    [32, 8, 64],
    [64, 16, 1216],
    [100, 20, 64],
    [128, 64, 640],
    [192, 64, 64],
    [9, 5, 4160],
  ])(
    "decodes random patterns of losses of %i + %i symbols of %i bytes",
    (k, repairs, symbolBytes) => {
      const fec = shape(k, repairs, symbolBytes);
      checkRandomPatterns(kernel, fec, { seed: k, count: RANDOM_PATTERNS });
    },
  );
});
