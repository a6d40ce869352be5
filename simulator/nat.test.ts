import { describe, expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { canConnect, NatMix } from "./nat.ts";

describe("NatMix", () => {
  test.each([0.7, 0.8, 0.9, 1])("lets a share of %d of all pairs connect", (wanted) => {
    const mix = new NatMix(wanted);
    const random = new Random(7);
    const pairs = 100_000;
    let connected = 0;
    for (let pair = 0; pair < pairs; pair++) {
      if (canConnect(mix.draw(random), mix.draw(random))) connected++;
    }
    expect(Math.abs(connected / pairs - wanted)).toBeLessThan(0.005);
  });

  test("a share of 0.70 comes from 20 % symmetric hosts", () => {
    const mix = new NatMix(0.7);
    const random = new Random(8);
    const drawn = Array.from({ length: 50_000 }, () => mix.draw(random));
    const symmetric = drawn.filter((nat) => nat === "symmetric").length / drawn.length;
    expect(Math.abs(symmetric - 0.2)).toBeLessThan(0.01);
  });

  test("everybody reaches a public host, and nobody behind NAT a symmetric one", () => {
    expect(canConnect("public", "symmetric")).toBe(true);
    expect(canConnect("endpoint-independent", "endpoint-independent")).toBe(true);
    expect(canConnect("symmetric", "endpoint-independent")).toBe(false);
    expect(canConnect("symmetric", "symmetric")).toBe(false);
  });
});
