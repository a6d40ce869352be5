import { randomInt, scrypt } from "node:crypto";
import {
  COUNTER_MAX,
  isWorkDone,
  JOIN_WORK_SCRYPT,
  type JoinPuzzle,
  type JoinWork,
  joinWorkInput,
} from "../../core/index.ts";

/** Solves a puzzle, one hash at a time on a thread of the pool. Rejects when `signal` aborts. */
export async function solveJoinPuzzle(
  { challenge, work }: JoinPuzzle,
  signal: AbortSignal,
): Promise<JoinWork> {
  for (let counter = randomInt(COUNTER_MAX); ; counter = (counter + 1) % COUNTER_MAX) {
    signal.throwIfAborted();
    if (isWorkDone(await hashOf({ challenge, counter }), work)) return { challenge, counter };
  }
}

function hashOf(answer: JoinWork): Promise<Uint8Array> {
  const { N, r, p, dkLen } = JOIN_WORK_SCRYPT;
  const { password, salt } = joinWorkInput(answer);
  return new Promise((resolve, reject) => {
    scrypt(password, salt, dkLen, { N, r, p }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
