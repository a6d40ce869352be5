import { scrypt } from "@noble/hashes/scrypt.js";
import {
  COUNTER_MAX,
  isWorkDone,
  JOIN_WORK_SCRYPT,
  type JoinPuzzle,
  type JoinWork,
  joinWorkInput,
} from "../core/index.ts";

/** The thread has other things to do after this long; a try takes some 4 ms. */
const SLICE_MS = 12;

/** Solves a puzzle on this thread, with pauses. Rejects when `signal` aborts. */
export async function solveJoinPuzzle(
  { challenge, work }: JoinPuzzle,
  signal: AbortSignal,
): Promise<JoinWork> {
  // Two tabs that start together should not try the same.
  let [counter = 0] = crypto.getRandomValues(new Uint32Array(1));
  let pausedAtMs = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const { password, salt } = joinWorkInput({ challenge, counter });
    if (isWorkDone(scrypt(password, salt, JOIN_WORK_SCRYPT), work)) return { challenge, counter };
    counter = (counter + 1) % COUNTER_MAX;
    if (performance.now() - pausedAtMs < SLICE_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pausedAtMs = performance.now();
  }
}
