import { COUNTER_MAX, isWorkDone, type JoinPuzzle, type JoinWork } from "../core/index.ts";
import { joinHash } from "./join-hash.ts";

/** The thread has other things to do after this long; a try takes some 2.5 ms. */
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
    if (isWorkDone(joinHash({ challenge, counter }), work)) return { challenge, counter };
    counter = (counter + 1) % COUNTER_MAX;
    if (performance.now() - pausedAtMs < SLICE_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pausedAtMs = performance.now();
  }
}
