import { describe, expect, test } from "@jest/globals";
import { instantMs } from "../core/index.ts";
import { AddressLimiter, networkOf } from "./address-limiter.ts";

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
    expect(limiter.take("first", NOW)).toBe(true);
    expect(limiter.take("first", NOW)).toBe(false);
    for (let address = 0; address < 10_000; address += 1) limiter.take(`other-${address}`, NOW);
    expect(limiter.take("first", NOW)).toBe(true);
  });
});
