import { describe, expect, test } from "@jest/globals";
import { Score } from "./score.ts";
import { at } from "./testing/test-state.ts";

describe("a score", () => {
  test("of one that only omits goes below zero and stays there", () => {
    const score = new Score();
    for (let s = 0; s < 600; s++) {
      score.failed(at(s * 1000));
      if (s >= 3) expect(score.isDistrusted(at(s * 1000))).toBe(true);
    }
    expect(score.value(at(600_000))).toBeLessThan(-20);
    expect(score.value(at(900_000))).toBeLessThan(0);
  });

  test("of one that gives and now and then fails stays above zero", () => {
    const score = new Score();
    for (let s = 0; s < 600; s++) {
      score.delivered(at(s * 1000));
      if (s % 2 === 0) score.failed(at(s * 1000));
      expect(score.isDistrusted(at(s * 1000))).toBe(false);
    }
    expect(score.value(at(600_000))).toBeGreaterThan(10);
  });

  test("is not brought down for good by some pulls that lapsed", () => {
    const score = new Score();
    for (let lapses = 0; lapses < 10; lapses++) score.lapsed(at(0));
    expect(score.value(at(0))).toBeCloseTo(-3);
    expect(score.isDistrusted(at(1000))).toBe(false);
  });

  test("is in doubt after more than a lapse, until more was given than failed: time alone heals nothing", () => {
    const score = new Score();
    score.lapsed(at(0));
    expect(score.isDoubted(at(0))).toBe(false);
    score.lapsed(at(0));
    expect(score.isDoubted(at(0))).toBe(true);
    expect(score.own(at(300_000))).toBeCloseTo(0);
    expect(score.isDoubted(at(300_000))).toBe(true);
    score.delivered(at(300_000));
    expect(score.isDoubted(at(300_000))).toBe(false);
  });

  test("halves in thirty seconds without news", () => {
    const score = new Score();
    for (let symbols = 0; symbols < 64; symbols++) score.delivered(at(0));
    expect(score.value(at(30_000))).toBeCloseTo(32);
    expect(score.value(at(60_000))).toBeCloseTo(16);
  });

  test("is moved by hearsay within eight symbols, however many witnesses agree", () => {
    const [praised, slandered] = [new Score(), new Score()];
    for (let witness = 0; witness < 100; witness++) {
      praised.heard(at(0), `witness ${witness}`, 4, 1);
      slandered.heard(at(0), `witness ${witness}`, -4, 1);
    }
    expect(praised.value(at(0))).toBe(8);
    expect(slandered.value(at(0))).toBe(-8);
  });

  test("is moved by one witness as by what it said last, however often it speaks", () => {
    const score = new Score();
    for (let times = 0; times < 100; times++) score.heard(at(times * 1000), "witness", -4, 1);
    expect(score.value(at(99_000))).toBeCloseTo(-4);
    score.heard(at(99_000), "other", -2, 1);
    expect(score.value(at(99_000))).toBeCloseTo(-6);
    score.heard(at(129_000), "witness", 4, 1);
    expect(score.value(at(129_000))).toBeCloseTo(3);
  });

  test("is not moved by a witness without trust", () => {
    const score = new Score();
    score.heard(at(0), "witness", -4, 0);
    expect(score.value(at(0))).toBe(0);
  });

  test("tells others what was seen, and nothing of hearsay", () => {
    const score = new Score();
    score.delivered(at(0));
    score.failed(at(0));
    score.heard(at(0), "witness", 4, 1);
    expect(score.evidence(at(0))).toEqual({ delivered: 1, failed: 1 });
  });
});
