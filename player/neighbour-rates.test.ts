import { describe, expect, test } from "@jest/globals";
import { NeighbourRates } from "./neighbour-rates.ts";

const NOTHING = { sentBitsPerS: 0, receivedBitsPerS: 0 };

/** Looks four times a second at a neighbour whose channel carries so much. */
function watch(rates: NeighbourRates, fromMs: number, seconds: number, bytesPerS: number): void {
  for (let ms = 0; ms <= seconds * 1000; ms += 250) {
    const receivedBytes = (ms / 1000) * bytesPerS;
    rates.look(fromMs + ms, new Map([["a", { sentBytes: receivedBytes / 2, receivedBytes }]]));
  }
}

describe("the rates of neighbours", () => {
  test("are the mean of the last two seconds, each way", () => {
    const rates = new NeighbourRates();
    watch(rates, 0, 10, 125_000);
    expect(rates.of("a")).toEqual({ sentBitsPerS: 500_000, receivedBitsPerS: 1_000_000 });
    rates.look(12_000, new Map([["a", { sentBytes: 625_000, receivedBytes: 1_250_000 }]]));
    expect(rates.of("a").receivedBitsPerS).toBeLessThan(600_000);
  });

  test("are nothing for who is new, unknown or gone", () => {
    const rates = new NeighbourRates();
    watch(rates, 0, 0, 125_000);
    expect([rates.of("a"), rates.of("b")]).toEqual([NOTHING, NOTHING]);
    watch(rates, 250, 2, 125_000);
    rates.look(3000, new Map());
    expect(rates.of("a")).toEqual(NOTHING);
  });

  test("start anew with a neighbour that comes back", () => {
    const rates = new NeighbourRates();
    watch(rates, 0, 10, 125_000);
    watch(rates, 10_250, 4, 12_500);
    expect(rates.of("a").receivedBitsPerS).toBe(100_000);
  });
});
