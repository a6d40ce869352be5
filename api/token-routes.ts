import { z } from "zod";
import { CHALLENGE_LENGTH_MAX, COUNTER_MAX, JWS_LENGTH_MAX } from "../core/index.ts";
import type { ProblemCode } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import { namedStream } from "./stream-routes.ts";
import { TokenDesk, type TokenDeskParts } from "./token-desk.ts";

const jwkSchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
  starling_purpose: z.enum(["manifest", "token"]),
  starling_certificate: z.string().optional().describe("What the root key says of it: a JWS."),
});
const jwksSchema = z.object({ keys: z.array(jwkSchema) });

const joinWorkSchema = z.strictObject({
  challenge: z.string().max(CHALLENGE_LENGTH_MAX),
  counter: z.int().min(0).max(COUNTER_MAX),
});

/** 32 bytes in base64url; the last digit holds four bits. */
const PUBLIC_KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

const tokenRequestSchema = z.strictObject({
  publicKey: z
    .string()
    .regex(PUBLIC_KEY, "expected an Ed25519 public key: 32 bytes in base64url without padding"),
  role: z.enum(["viewer", "seed"]).optional(),
  renew: z
    .string()
    .max(JWS_LENGTH_MAX)
    .optional()
    .describe("The last token of a peer that is in the mesh: it does no work for the next one."),
  work: joinWorkSchema.optional().describe("The answer to the puzzle of work-needed."),
  network: z
    .union([z.cidrv4(), z.cidrv6()], "expected a network such as 192.0.2.0/24 or 2001:db8::/48")
    .optional()
    .describe("The token is good from this network only. Needs an API key."),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .optional()
    .describe("The token is good at trackers of this region only. Needs an API key."),
  relay: z
    .boolean()
    .optional()
    .describe(
      'The peer is a relay: it may know seeders that are for relays only. Needs an API key with the scope "relays".',
    ),
});
const tokenSchema = z.object({
  token: z.string().describe("A JWT (EdDSA), bound to the public key by cnf (RFC 7800)."),
  peer: z.string().describe("The peer's id: its public key."),
  role: z.enum(["viewer", "seed"]),
  tokenId: z.string().describe("By which the token is revoked."),
  expiresAt: z.string().describe("ISO 8601."),
  tracker: z.string().describe("WebSocket address of the tracker."),
  jwks: jwksSchema,
});

/** `/api/v1/streams/:id/tokens` and the keys to check tokens and manifests with. */
export function tokenRoutes(parts: TokenDeskParts): Route[] {
  const desk = new TokenDesk(parts);
  return [
    defineRoute({
      method: "post",
      path: "/api/v1/streams/:id/tokens",
      tag: "tokens",
      access: "optional-key",
      summary:
        'Get a join token: with an API key (scope "tokens"), or of a stream with access "open" for some work',
      body: tokenRequestSchema,
      answers: { 201: { description: "The token", schema: tokenSchema } },
      problems: [
        ...["stream-not-found", "p2p-off", "seed-role-refused", "binding-refused"],
        ...["work-needed", "too-many-requests", "overloaded"],
      ] as ProblemCode[],
      handle: (request, response, wanted) => desk.answer(request, response, wanted),
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/streams/:id/tokens/:tokenId",
      tag: "tokens",
      access: "tokens",
      summary: "Revoke a join token; its peer is sent away by the tracker, and cannot renew it",
      answers: { 204: { description: "Revoked" } },
      problems: ["stream-not-found", "token-not-found"],
      handle: async (request, response) => {
        const { id } = await namedStream(request, parts.registry);
        await desk.revoke(id, String(request.params["tokenId"]));
        response.status(204).end();
      },
    }),
    defineRoute({
      method: "get",
      path: "/.well-known/jwks.json",
      tag: "tokens",
      summary: "The public keys that sign manifests and join tokens",
      answers: {
        200: {
          description: "A JWK set",
          schema: jwksSchema,
          contentType: "application/jwk-set+json",
        },
      },
      handle: async (_request, response) => {
        response.set("Cache-Control", "public, max-age=5").type("application/jwk-set+json");
        response.send(JSON.stringify(await parts.trusted.jwks()));
      },
    }),
  ];
}
