import { expect, test } from "@jest/globals";
import { isInNetwork, isNetwork, networkOf, wideNetworkOf } from "./network.ts";

test("a subscriber is an IPv4 address or an IPv6 /64", () => {
  expect(networkOf("2001:DB8:0:1:aaaa::1")).toBe("2001:db8:0:1::/64");
  expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(networkOf("2001:0db8:0000:0001:2:3:4:5")).toBe("2001:db8:0:1::/64");
  expect(networkOf("::1")).toBe("0:0:0:0::/64");
  expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
  expect(networkOf("192.0.2.1")).toBe("192.0.2.1");
});

test("a network is an IPv4 /24 or an IPv6 /48", () => {
  expect(wideNetworkOf("192.0.2.77")).toBe("192.0.2.0/24");
  expect(wideNetworkOf("::ffff:192.0.2.77")).toBe("192.0.2.0/24");
  expect(wideNetworkOf("2001:0db8:0007:1::1")).toBe("2001:db8:7::/48");
});

test("an address is in a network or not, and in none that is not spelled right", () => {
  expect(isInNetwork("192.0.2.77", "192.0.2.0/24")).toBe(true);
  expect(isInNetwork("::ffff:192.0.2.77", "192.0.2.0/24")).toBe(true);
  expect(isInNetwork("192.0.3.77", "192.0.2.0/24")).toBe(false);
  expect(isInNetwork("2001:db8:0:1::5", "2001:db8::/48")).toBe(true);
  expect(isInNetwork("2001:db8:1:1::5", "2001:db8::/48")).toBe(false);
  expect(isInNetwork("192.0.2.77", "2001:db8::/48")).toBe(false);
  expect(isInNetwork("unknown", "0.0.0.0/0")).toBe(false);
  for (const bad of ["", "192.0.2.0", "192.0.2.0/33", "::/129", "a.b.c.d/8", "1.2.3/8", "::/"]) {
    expect([bad, isNetwork(bad)]).toEqual([bad, false]);
  }
});
