import { expect, test } from "@jest/globals";
import { networkOf, wideNetworkOf } from "./network.ts";

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
