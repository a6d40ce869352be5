import type { Redis } from "ioredis";
import { type EncodeQueue, enqueueEncode } from "./queues.ts";
import { StreamRegistry } from "./stream-registry.ts";
import { Timeline } from "./timeline.ts";

/**
 * Gives every registered block without a manifest an encode job, if it has none: for the start of a
 * role, after a crash between two stages. Returns how many such blocks there are.
 */
export async function enqueueUnsigned(redis: Redis, queue: EncodeQueue): Promise<number> {
  const timeline = new Timeline(redis);
  let count = 0;
  for (const { id } of await new StreamRegistry(redis).list()) {
    for (const record of await timeline.unsigned(id)) {
      await enqueueEncode(queue, record);
      count++;
    }
  }
  return count;
}
