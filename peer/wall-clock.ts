import { type InstantMs, instantMs } from "../core/index.ts";

const STEP_MS = 1000;

/**
 * A clock that never goes back and stays near UNIX time: it runs by the monotonic clock and jumps
 * forward when that has stood still, as it does while a machine sleeps.
 */
export function createClock(): () => InstantMs {
  let offsetMs = Date.now() - performance.now();
  return () => {
    const monotonicMs = performance.now();
    const wallOffsetMs = Date.now() - monotonicMs;
    if (wallOffsetMs > offsetMs + STEP_MS) offsetMs = wallOffsetMs;
    return instantMs(monotonicMs + offsetMs);
  };
}
