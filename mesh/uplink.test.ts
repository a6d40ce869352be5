import { describe, expect, test } from "@jest/globals";
import { at } from "./testing/test-state.ts";
import { Uplink } from "./uplink.ts";
import { uploadBudget, uploadRate } from "./uploads.ts";

function uplinkOf(bytesPerS: number): Uplink {
  return new Uplink(uploadBudget(at(0), bytesPerS));
}

/** Lets channels drain at a rate for some seconds, in steps of 100 ms. */
function drain(uplink: Uplink, bytesPerS: number, fromMs: number, seconds: number): void {
  uplink.busy(at(fromMs));
  for (let ms = 100; ms <= seconds * 1000; ms += 100) {
    uplink.drained(at(fromMs + ms), bytesPerS / 10);
  }
}

describe("an uplink", () => {
  test("counts as what was given until it is seen to be slower", () => {
    const uplink = uplinkOf(1_000_000);
    expect(uplink.bytesPerS).toBe(1_000_000);
    drain(uplink, 200_000, 0, 20);
    expect(uplink.bytesPerS).toBeGreaterThan(195_000);
    expect(uplink.bytesPerS).toBeLessThan(205_000);
  });

  test("never counts as more than what was given", () => {
    const uplink = uplinkOf(1_000_000);
    drain(uplink, 5_000_000, 0, 20);
    expect(uplink.bytesPerS).toBe(1_000_000);
  });

  test("is not measured while nothing waits", () => {
    const uplink = uplinkOf(1_000_000);
    for (let s = 0; s < 20; s++) {
      uplink.busy(at(s * 1000));
      uplink.drained(at(s * 1000 + 10), 10_000);
    }
    expect(uplink.bytesPerS).toBeGreaterThan(990_000);
  });

  test("recovers when the line does", () => {
    const uplink = uplinkOf(1_000_000);
    drain(uplink, 100_000, 0, 20);
    drain(uplink, 1_000_000, 20_000, 20);
    expect(uplink.bytesPerS).toBeGreaterThan(950_000);
  });

  test("that carries next to nothing has no capacity", () => {
    expect(uplinkOf(1999).bytesPerS).toBe(0);
  });

  test("follows a budget that is cut, and what comes back of it", () => {
    const budget = uploadBudget(at(0), 1_000_000);
    const uplink = new Uplink(budget);
    budget.adjust(at(0), uploadRate(300_000));
    expect(uplink.bytesPerS).toBe(300_000);
    budget.adjust(at(0), uploadRate(900_000));
    expect(uplink.bytesPerS).toBe(900_000);
  });
});
