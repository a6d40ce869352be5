import { isStreamId } from "./block-id.ts";
import { StarlingError } from "./errors.ts";
import { parsePublicKey } from "./jwk.ts";
import { type JwsKind, signJws, type Trust, verifyJws } from "./jws.ts";
import type { InstantMs } from "./time.ts";
import { checkValidity } from "./validity.ts";

/** What the origin says of a peer whose join token it revoked: nobody of its stream is to be its neighbour. */
export interface Revocation {
  readonly stream: string;
  /** The peer's public key, base64url. */
  readonly peer: string;
  readonly issuedAtS: number;
  /** When the last token that the peer may have has ended. */
  readonly expiresAtS: number;
}

const KIND: JwsKind = { typ: "starling-revocation+jwt", purpose: "token", name: "revocation" };

/** Signs a revocation as a JWT, with the key that signs join tokens. */
export function signRevocation(
  { stream, peer, issuedAtS, expiresAtS }: Revocation,
  keyId: string,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  const payload = { aud: stream, sub: peer, iat: issuedAtS, exp: expiresAtS };
  return signJws(KIND, keyId, payload, sign);
}

/**
 * Reads and checks a revocation for `stream` at `now`. Throws StarlingError "revocation-malformed",
 * "revocation-unknown-key", "revocation-bad-signature", "bad-public-key", "revocation-wrong-stream", "revocation-expired" or
 * "revocation-not-yet-valid".
 */
export function verifyRevocation(
  jws: string,
  trust: Trust,
  { stream, now }: { readonly stream: string; readonly now: InstantMs },
): Revocation {
  const payload = verifyJws(KIND, jws, trust);
  const revocation: Revocation = {
    stream: payload.text("aud", 64),
    peer: payload.text("sub", 43),
    issuedAtS: payload.integer("iat", 0, Number.MAX_SAFE_INTEGER),
    expiresAtS: payload.integer("exp", 0, Number.MAX_SAFE_INTEGER),
  };
  parsePublicKey(revocation.peer);
  if (!isStreamId(revocation.stream) || revocation.stream !== stream) {
    throw new StarlingError("revocation-wrong-stream", "The revocation is for another stream.");
  }
  checkValidity(revocation, now, KIND.name);
  return revocation;
}
