import type { Redis } from "ioredis";
import { z } from "zod";
import type { Ed25519Jwk, Jwks } from "../core/index.ts";
import { JWKS_KEY } from "./redis-keys.ts";

const jwkSchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().length(43),
  kid: z.string().length(43),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
  starling_purpose: z.enum(["manifest", "token"]),
}) satisfies z.ZodType<Ed25519Jwk>;

/** Makes a public key known to everyone who asks for the origin's keys. Private members are refused. */
export async function publishKey(redis: Redis, jwk: Ed25519Jwk): Promise<void> {
  const checked = jwkSchema.strict().parse(jwk);
  await redis.hset(JWKS_KEY, checked.kid, JSON.stringify(checked));
}

/** Takes a key back: nothing that it signed is good any more once peers have asked again. False: there is none. */
export async function retractKey(redis: Redis, kid: string): Promise<boolean> {
  return (await redis.hdel(JWKS_KEY, kid)) === 1;
}

/** The origin's public keys, by key id. */
export async function readJwks(redis: Redis): Promise<Jwks> {
  const keys = (await redis.hvals(JWKS_KEY)).map((key) => jwkSchema.parse(JSON.parse(key)));
  return { keys: keys.sort((a, b) => (a.kid < b.kid ? -1 : 1)) };
}
