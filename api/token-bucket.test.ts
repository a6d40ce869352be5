import { describe, expect, test } from "@jest/globals";
import { AddressLimiter, networkOf, TokenBucket } from "./token-bucket.ts";

describe("a token bucket", () => {
  test("gives its burst at once and its rate in the long run", () => {
    const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, 0);
    const takes = [0, 0, 0, 0, 499, 500, 600].map((nowMs) => bucket.take(nowMs));
    expect(takes).toEqual([true, true, true, false, false, true, false]);
  });

  test("never holds more than its burst, and a clock that goes back takes nothing away", () => {
    const bucket = new TokenBucket({ burst: 2, perSecond: 1 }, 0);
    const takes = [3_600_000, 3_600_000, 3_600_000, 0, 1000].map((nowMs) => bucket.take(nowMs));
    expect(takes).toEqual([true, true, false, false, true]);
  });
});

describe("the limit of an address", () => {
  test("is its own", () => {
    const limiter = new AddressLimiter({ burst: 1, perSecond: 1 });
    expect(["10.0.0.1", "10.0.0.2", "10.0.0.1"].map((ip) => limiter.take(ip, 0))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("is shared by an IPv6 subscriber's whole /64", () => {
    expect(networkOf("2001:DB8:0:1:aaaa::1")).toBe("2001:db8:0:1::/64");
    expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
    expect(networkOf("2001:0db8:0000:0001:2:3:4:5")).toBe("2001:db8:0:1::/64");
    expect(networkOf("::1")).toBe("0:0:0:0::/64");
    expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(networkOf("192.0.2.1")).toBe("192.0.2.1");
  });

  test("is forgotten, oldest first, so that addresses do not fill the memory", () => {
    const limiter = new AddressLimiter({ burst: 1, perSecond: 0 });
    expect(limiter.take("first", 0)).toBe(true);
    expect(limiter.take("first", 0)).toBe(false);
    for (let address = 0; address < 10_000; address += 1) limiter.take(`other-${address}`, 0);
    expect(limiter.take("first", 0)).toBe(true);
  });
});
