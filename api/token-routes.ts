import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import { z } from "zod";
import {
  fromBase64Url,
  instantMs,
  type PeerRole,
  PUBLIC_KEY_BYTES,
  signJoinToken,
} from "../core/index.ts";
import type { SigningKey, Stream, StreamRegistry } from "../pipeline/index.ts";
import { type AccessControl, type Caller, keyMissing } from "./access-control.ts";
import { AddressLimiter } from "./address-limiter.ts";
import type { ApiMetrics } from "./metrics.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import { namedStream } from "./stream-routes.ts";
import { TRACKER_PATH } from "./tracker.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

const jwkSchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
  starling_purpose: z.enum(["manifest", "token"]),
});
const jwksSchema = z.object({ keys: z.array(jwkSchema) });

const tokenRequestSchema = z.strictObject({
  publicKey: z
    .string()
    .refine(isPublicKey, "expected an Ed25519 public key: 32 bytes in base64url without padding"),
  role: z.enum(["viewer", "seed"]).optional(),
});

const tokenSchema = z.object({
  token: z.string().describe("A JWT (EdDSA), bound to the public key by cnf (RFC 7800)."),
  peer: z.string().describe("The peer's id: its public key."),
  role: z.enum(["viewer", "seed"]),
  expiresAt: z.string().describe("ISO 8601."),
  tracker: z.string().describe("WebSocket address of the tracker."),
  jwks: jwksSchema,
});

export interface TokenRouteParts {
  readonly registry: StreamRegistry;
  readonly access: AccessControl;
  readonly key: SigningKey;
  readonly trusted: TrustedKeys;
  readonly metrics: ApiMetrics;
  readonly tokenTtlS: number;
  /** Tokens that one address may ask for without a key. */
  readonly tokensPerMinute: number;
  /** False: no viewer gets a token. */
  readonly p2p: boolean;
  /** Address of this API as viewers see it; undefined: as the request names it. */
  readonly publicUrl: string | undefined;
}

/** `/api/v1/streams/:id/tokens` and the keys to check tokens and manifests with. */
export function tokenRoutes(parts: TokenRouteParts): Route[] {
  const limiter = new AddressLimiter({
    burst: parts.tokensPerMinute,
    perSecond: parts.tokensPerMinute / 60,
  });
  return [
    defineRoute({
      method: "post",
      path: "/api/v1/streams/:id/tokens",
      tag: "tokens",
      access: "optional-key",
      summary: 'Get a join token; streams with access "backend" need the API key',
      body: tokenRequestSchema,
      answers: { 201: { description: "The token", schema: tokenSchema } },
      problems: ["stream-not-found", "p2p-off", "seed-role-refused", "too-many-requests"],
      handle: async (request, response, { publicKey, role = "viewer" }) => {
        const caller = await parts.access.callerOf(request, response);
        const stream = await namedStream(request, parts.registry);
        authorise({ caller, stream, role }, response);
        if (!parts.p2p && role === "viewer") throw refusal("p2p-off", "Play plain HLS.");
        if (caller === "anybody" && !limiter.take(request.ip, instantMs(Date.now()))) {
          response.set("Retry-After", "10");
          throw refusal("too-many-requests", "Too many tokens for one address. Wait a little.");
        }
        response.status(201).set("Cache-Control", "no-store");
        response.json(await issue(parts, request, { stream: stream.id, peer: publicKey, role }));
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

function authorise(
  { caller, stream, role }: { caller: Caller; stream: Stream; role: PeerRole },
  response: Response,
): void {
  if (role === "seed" && caller !== "origin") {
    throw refusal("seed-role-refused", `Ask for the role "viewer".`);
  }
  if (stream.access === "backend" && caller === "anybody") throw keyMissing(response);
}

async function issue(
  { key, trusted, metrics, tokenTtlS, publicUrl }: TokenRouteParts,
  request: Request,
  permit: { stream: string; peer: string; role: PeerRole },
): Promise<z.output<typeof tokenSchema>> {
  const issuedAtS = Math.floor(Date.now() / 1000);
  const expiresAtS = issuedAtS + tokenTtlS;
  const claims = { ...permit, tokenId: randomUUID(), issuedAtS, expiresAtS };
  const token = signJoinToken(claims, key.jwk.kid, key.sign);
  metrics.tokens.inc({ role: permit.role });
  const base = publicUrl ?? `${request.protocol}://${request.get("host") ?? "localhost"}`;
  return {
    token,
    peer: permit.peer,
    role: permit.role,
    expiresAt: new Date(expiresAtS * 1000).toISOString(),
    tracker: `${base.replace(/^http/, "ws").replace(/\/$/, "")}${TRACKER_PATH}`,
    jwks: { keys: [...(await trusted.jwks()).keys] },
  };
}

function isPublicKey(text: string): boolean {
  try {
    return fromBase64Url(text).length === PUBLIC_KEY_BYTES;
  } catch {
    return false;
  }
}
