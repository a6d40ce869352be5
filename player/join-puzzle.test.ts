import { scryptSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { isWorkDone, JOIN_WORK_SCRYPT, joinWorkInput } from "../core/index.ts";
import { solveJoinPuzzle } from "./join-puzzle.ts";

describe("a newcomer in a browser", () => {
  test("finds an answer that the door takes, and lets its thread do other things", async () => {
    let pauses = 0;
    const ticking = setInterval(() => {
      pauses += 1;
    });
    const never = new AbortController().signal;
    const puzzle = { challenge: "a puzzle", work: 40 };
    const answers = await Promise.all([1, 2, 3].map(() => solveJoinPuzzle(puzzle, never)));
    clearInterval(ticking);
    const { dkLen, ...cost } = JOIN_WORK_SCRYPT;
    for (const answer of answers) {
      expect(answer.challenge).toBe(puzzle.challenge);
      const { password, salt } = joinWorkInput(answer);
      expect(isWorkDone(scryptSync(password, salt, dkLen, cost), puzzle.work)).toBe(true);
    }
    expect(pauses).toBeGreaterThan(0);
  });

  test("stops when it leaves", async () => {
    const endless = { challenge: "a puzzle", work: 1_048_576 };
    const solving = solveJoinPuzzle(endless, AbortSignal.timeout(50));
    await expect(solving).rejects.toMatchObject({ name: "TimeoutError" });
  });
});
