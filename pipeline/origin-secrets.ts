import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { randomBase32 } from "./random-text.ts";
import { API_KEYS_KEY, INTERNAL_KEY } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";

const SECRET_LENGTH = 40;
const API_KEY_PREFIX = "starling-api-";

/** The secret by which the origin's own roles prove to the API that they share its Redis. */
export async function internalKey(redis: Redis): Promise<string> {
  await redis.set(INTERNAL_KEY, randomBase32(SECRET_LENGTH), "NX");
  const key = await redis.get(INTERNAL_KEY);
  return key ?? internalKey(redis);
}

/** KEYS api keys; ARGV digest, time. Answers 1, or 0 when there is a key already. */
const firstKeyScript = new RedisScript(
  "first-api-key",
  `
if redis.call("HLEN", KEYS[1]) > 0 then return 0 end
return redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
`,
);

/** Makes the API key of a new origin: undefined when one exists. Only its digest is stored. */
export async function createFirstApiKey(redis: Redis): Promise<string | undefined> {
  const key = API_KEY_PREFIX + randomBase32(SECRET_LENGTH);
  const made = await firstKeyScript.run(redis, [API_KEYS_KEY], digest(key), Date.now());
  return made === 1 ? key : undefined;
}

/** Whether `key` is an API key of this origin. The look-up by digest tells nothing by its timing. */
export async function verifyApiKey(redis: Redis, key: string): Promise<boolean> {
  return (await redis.hexists(API_KEYS_KEY, digest(key))) === 1;
}

function digest(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
