import { describe, expect, test } from "@jest/globals";
import { AddressLimiter, instantMs } from "./index.ts";

const NOW = instantMs(0);

describe("the limit of an address", () => {
  test("is its own", () => {
    const limiter = new AddressLimiter({ burst: 1, perSecond: 1 });
    expect(["10.0.0.1", "10.0.0.2", "10.0.0.1"].map((ip) => limiter.take(ip, NOW))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("is forgotten, oldest first, so that addresses do not fill the memory", () => {
    const limiter = new AddressLimiter({ burst: 1, perSecond: 0 });
    expect(limiter.take("first", NOW)).toBe(true);
    expect(limiter.take("first", NOW)).toBe(false);
    for (let address = 0; address < 10_000; address += 1) limiter.take(`other-${address}`, NOW);
    expect(limiter.take("first", NOW)).toBe(true);
  });
});
