import { setTimeout as delay } from "node:timers/promises";

const INTERVAL_MS = 50;

/**
 * Waits until `condition` gives something other than false, undefined or null, and gives that.
 * Throws after `timeoutMs` with what `describe` says of the moment.
 */
export async function eventually<Value>(
  condition: () => Value | Promise<Value>,
  timeoutMs: number,
  describe: () => string = () => "",
): Promise<NonNullable<Exclude<Value, false>>> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const value = await condition();
    if (value !== false && value !== undefined && value !== null) {
      return value as NonNullable<Exclude<Value, false>>;
    }
    await delay(INTERVAL_MS);
  }
  throw new Error(`The condition did not hold within ${timeoutMs} ms. ${describe()}`);
}
