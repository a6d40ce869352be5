import { isStreamId } from "./block-id.ts";
import { utf8 } from "./bytes.ts";
import { StarlingError } from "./errors.ts";
import { parsePublicKey } from "./jwk.ts";
import { type JwsKind, signJws, type Trust, verifyJws } from "./jws.ts";
import type { InstantMs } from "./time.ts";
import { checkValidity } from "./validity.ts";

/** Who a peer is to the mesh: `seed` peers are run by the origin (tier 0). */
export type PeerRole = "viewer" | "seed";

/** A permit to join one stream's mesh, bound to the peer's own key (RFC 7800 `cnf`). */
export interface JoinClaims {
  readonly stream: string;
  /** The peer's Ed25519 public key, base64url: its identity in the mesh. */
  readonly peer: string;
  readonly role: PeerRole;
  readonly tokenId: string;
  /** The peer may join from this network only: an address and the length of its prefix. */
  readonly network?: string | undefined;
  /** The peer may join at trackers of this region only. */
  readonly region?: string | undefined;
  /** A viewer that the site vouches for: seeds that are for relays only are shown to it. */
  readonly relay?: boolean | undefined;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
}

const KIND: JwsKind = { typ: "starling-join+jwt", purpose: "token", name: "token" };

/** Signs a join token as a JWT. */
export function signJoinToken(
  claims: JoinClaims,
  keyId: string,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  const payload = {
    aud: claims.stream,
    sub: claims.peer,
    role: claims.role,
    cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: claims.peer } },
    jti: claims.tokenId,
    net: claims.network,
    region: claims.region,
    relay: claims.relay,
    iat: claims.issuedAtS,
    exp: claims.expiresAtS,
  };
  return signJws(KIND, keyId, payload, sign);
}

/**
 * Reads and checks a join token for `stream` at `now`. Without `stream`, any stream will do.
 * Throws StarlingError "token-malformed", "token-unknown-key", "token-bad-signature",
 * "token-wrong-stream", "token-expired" or "token-not-yet-valid".
 */
export function verifyJoinToken(
  token: string,
  trust: Trust,
  { stream, now }: { readonly stream?: string | undefined; readonly now: InstantMs },
): JoinClaims {
  const payload = verifyJws(KIND, token, trust);
  const audience = payload.text("aud", 64);
  if (!isStreamId(audience)) throw new StarlingError("token-malformed", "Not a stream id.");
  const jwk = payload.object("cnf").object("jwk");
  const claims: JoinClaims = {
    stream: audience,
    peer: jwk.text("x", 43),
    role: payload.oneOf("role", ["viewer", "seed"]),
    tokenId: payload.text("jti", 64),
    network: payload.has("net") ? payload.text("net", 64) : undefined,
    region: payload.has("region") ? payload.text("region", 64) : undefined,
    relay: payload.has("relay") ? payload.boolean("relay") : undefined,
    issuedAtS: payload.integer("iat", 0, Number.MAX_SAFE_INTEGER),
    expiresAtS: payload.integer("exp", 0, Number.MAX_SAFE_INTEGER),
  };
  parsePublicKey(claims.peer);
  if (stream !== undefined && claims.stream !== stream) {
    throw new StarlingError("token-wrong-stream", "The token is for another stream.");
  }
  checkValidity(claims, now, KIND.name);
  return claims;
}

/** What a peer signs to prove to the tracker that it holds its key (PROTOCOL.md, "Tracker"). */
export function trackerProofMessage(nonce: string): Uint8Array {
  return utf8(`starling-tracker-v1\0${nonce}`);
}
