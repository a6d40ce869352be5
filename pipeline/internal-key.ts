import type { Redis } from "ioredis";
import { randomBase32 } from "./random-text.ts";
import { INTERNAL_KEY } from "./redis-keys.ts";

const SECRET_LENGTH = 40;

/** The secret by which the origin's own roles prove to the API that they share its Redis. */
export async function internalKey(redis: Redis): Promise<string> {
  await redis.set(INTERNAL_KEY, randomBase32(SECRET_LENGTH), "NX");
  const key = await redis.get(INTERNAL_KEY);
  return key ?? internalKey(redis);
}
