import { expect, test } from "@jest/globals";
import { isInNetwork } from "./bound-network.ts";

test("an address is in a network or not, and in none that is not spelled right", () => {
  expect(isInNetwork("192.0.2.77", "192.0.2.0/24")).toBe(true);
  expect(isInNetwork("::ffff:192.0.2.77", "192.0.2.0/24")).toBe(true);
  expect(isInNetwork("192.0.3.77", "192.0.2.0/24")).toBe(false);
  expect(isInNetwork("2001:db8:0:1::5", "2001:db8::/48")).toBe(true);
  expect(isInNetwork("2001:db8:1:1::5", "2001:db8::/48")).toBe(false);
  expect(isInNetwork("192.0.2.77", "2001:db8::/48")).toBe(false);
  expect(isInNetwork("unknown", "0.0.0.0/0")).toBe(false);
  for (const bad of ["", "192.0.2.0", "192.0.2.0/33", "::/129", "a.b.c.d/8", "1.2.3/8", "::/"]) {
    expect([bad, isInNetwork("1.2.3.4", bad)]).toEqual([bad, false]);
  }
});
