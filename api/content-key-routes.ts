import type { Request, Response } from "express";
import { instantMs, isStreamId, verifyJoinToken } from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import { contentKeyOf, type StreamRegistry } from "../pipeline/index.ts";
import { type AccessControl, checkScope } from "./access-control.ts";
import type { PeerDirectory } from "./peer-directory.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

interface ContentKeyParts {
  readonly registry: Pick<StreamRegistry, "get">;
  readonly access: Pick<AccessControl, "callerOf">;
  readonly trusted: Pick<TrustedKeys, "keySet">;
  readonly directory: Pick<PeerDirectory, "isRevoked">;
}

const SESSION = /^[A-Za-z0-9_-]{1,64}$/;
/** A join token is a JWS, an API key is not. */
const JOIN_TOKEN = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** `/live/:stream/:session.key`: the key of a publish session's media, for who may be in the mesh. */
export function contentKeyRoutes(parts: ContentKeyParts): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/live/:stream/:session.key",
      tag: "live",
      access: "optional-key",
      summary:
        "The AES-128 key of a publish session, for a join token of the stream or an API key (scope tokens) as bearer",
      answers: {
        200: { description: "16 bytes", contentType: "application/octet-stream" },
      },
      problems: ["content-token-needed", "content-key-not-found"],
      handle: async (request, response) => {
        const { stream: id, session } = request.params;
        const stream = isStreamId(id) ? await parts.registry.get(id) : undefined;
        const isSession = SESSION.test(String(session));
        const content = stream && isSession ? contentKeyOf(stream, String(session)) : undefined;
        if (stream === undefined || content === undefined) {
          throw refusal("content-key-not-found", "Take the address from the playlist.");
        }
        await authorise(stream.id, parts, request, response);
        response.set("Cache-Control", "no-store").type("application/octet-stream");
        response.send(Buffer.from(content.key));
      },
    }),
  ];
}

/** Throws StarlingError "content-token-needed" unless the request may have the key. */
async function authorise(
  stream: string,
  { access, trusted, directory }: ContentKeyParts,
  request: Request,
  response: Response,
): Promise<void> {
  const token = JOIN_TOKEN.exec(request.get("Authorization") ?? "")?.[1];
  if (token === undefined) {
    const caller = await access.callerOf(request, response);
    if (caller === "origin") return;
    if (caller !== "anybody") return checkScope(caller, "tokens");
  } else {
    const trust = { keys: await trusted.keySet(), crypto: nodeCrypto };
    const claims = claimsOf(() =>
      verifyJoinToken(token, trust, { stream, now: instantMs(Date.now()) }),
    );
    if (claims !== undefined && !(await directory.isRevoked(claims.tokenId))) return;
  }
  throw refusal("content-token-needed", "Send a join token of the stream as a bearer token.");
}

/** What `verify` gives; undefined for a token that is not good. */
function claimsOf<Claims>(verify: () => Claims): Claims | undefined {
  try {
    return verify();
  } catch {
    return undefined;
  }
}
