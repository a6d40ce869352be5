import type { Redis } from "ioredis";
import { z } from "zod";
import { CERTIFICATE_LENGTH_MAX, type Ed25519Jwk, type Jwks } from "../core/index.ts";
import { JWKS_KEY } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";

const jwkSchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().length(43),
  kid: z.string().length(43),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
  starling_purpose: z.enum(["manifest", "token"]),
  starling_certificate: z.string().max(CERTIFICATE_LENGTH_MAX).optional(),
}) satisfies z.ZodType<Ed25519Jwk>;

/** A JWK set of this origin. */
export const jwksSchema = z.object({ keys: z.array(jwkSchema) });

/** KEYS jwks; ARGV kid, certificate. Answers 1, or 0 when there is no such key. */
const certifyScript = new RedisScript(
  "certify-key",
  `
local json = redis.call("HGET", KEYS[1], ARGV[1])
if not json then return 0 end
local jwk = cjson.decode(json)
jwk.starling_certificate = ARGV[2]
redis.call("HSET", KEYS[1], ARGV[1], cjson.encode(jwk))
return 1
`,
);

/**
 * Makes a public key known to everyone who asks for the origin's keys; one that is known keeps its
 * certificate. Private members are refused.
 */
export async function publishKey(redis: Redis, jwk: Ed25519Jwk): Promise<void> {
  const checked = jwkSchema.strict().parse(jwk);
  await redis.hsetnx(JWKS_KEY, checked.kid, JSON.stringify(checked));
}

/** Publishes what a root key says of a key. False: there is no such key. */
export async function certifyKey(redis: Redis, kid: string, certificate: string): Promise<boolean> {
  return (await certifyScript.run(redis, [JWKS_KEY], kid, certificate)) === 1;
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
