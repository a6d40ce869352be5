import { expect, test } from "@jest/globals";
import { RestartPace } from "./restart-pace.ts";

const MIDDLE = () => 0.5;

test("pauses double up to 15 s, and begin anew after a run that lasted", () => {
  const pace = new RestartPace(MIDDLE);
  const pauses = [0, 0, 0, 0, 0, 0, 0].map((ranMs) => pace.pauseMs(ranMs, true));
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(pace.inARow).toBe(7);
  expect([pace.pauseMs(30_000, true), pace.inARow]).toEqual([500, 1]);
});

test("pauses differ by a fifth at most, so that streams that failed together do not start together", () => {
  expect(new RestartPace(() => 0).pauseMs(0, true)).toBe(400);
  expect(new RestartPace(() => 1).pauseMs(0, true)).toBeCloseTo(600);
});

test("a publisher that begins anew is not made to wait, unless it does so again and again", () => {
  const pace = new RestartPace(MIDDLE);
  expect([pace.pauseMs(2000, false), pace.pauseMs(2000, false)]).toEqual([0, 1000]);
});
