import type { Crypto } from "./crypto.ts";
import { StarlingError } from "./errors.ts";
import { type KeyPurpose, type KeySet, keyIdOf, parsePublicKey, type TrustedKey } from "./jwk.ts";
import { decodeJws, type JwsKind, signJws, verifyJws } from "./jws.ts";
import type { InstantMs } from "./time.ts";
import { checkValidity } from "./validity.ts";

/** What a root key says of a signing key. */
export interface KeyClaims {
  /** The signing key, base64url. */
  readonly publicKey: string;
  readonly purpose: KeyPurpose;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
}

/** The root key that a peer was given beforehand, 32 bytes, and what it takes to check by it. */
export interface PinnedRoot {
  readonly publicKey: Uint8Array;
  readonly crypto: Pick<Crypto, "sha256" | "verify">;
}

const KIND: JwsKind = { typ: "starling-key+jwt", purpose: "root", name: "certificate" };

/** The certificate of a signing key, as a compact JWS of the root key. */
export function signKeyCertificate(
  { publicKey, purpose, issuedAtS, expiresAtS }: KeyClaims,
  rootKeyId: string,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x: publicKey } };
  return signJws(KIND, rootKeyId, { purpose, cnf, iat: issuedAtS, exp: expiresAtS }, sign);
}

/**
 * Reads and checks a certificate at `now`. Throws StarlingError "certificate-malformed",
 * "certificate-unknown-key", "certificate-bad-signature", "certificate-expired" or "certificate-not-yet-valid".
 */
export function verifyKeyCertificate(
  certificate: string,
  { publicKey, crypto }: PinnedRoot,
  now: InstantMs,
): KeyClaims {
  const root: TrustedKey = { publicKey, purpose: "root" };
  const keys: KeySet = new Map([[keyIdOf(publicKey, crypto), root]]);
  const payload = verifyJws(KIND, certificate, { keys, crypto });
  const claims: KeyClaims = {
    publicKey: payload.object("cnf").object("jwk").text("x", 43),
    purpose: payload.oneOf("purpose", ["manifest", "token"]),
    issuedAtS: payload.integer("iat", 0, Number.MAX_SAFE_INTEGER),
    expiresAtS: payload.integer("exp", 0, Number.MAX_SAFE_INTEGER),
  };
  checkValidity(claims, now, KIND.name);
  return claims;
}

/** When a certificate says that it ends, UNIX seconds, unchecked: for whoever watches over it. Throws StarlingError "certificate-malformed". */
export function certificateEndS(certificate: string): number {
  return decodeJws(certificate, "certificate-malformed").integer("exp", 0, Number.MAX_SAFE_INTEGER);
}

/**
 * The keys that a root has certified, each for its purpose, and whose certificates hold now. Throws StarlingError
 * "keys-not-certified" if there is none for one of the two purposes.
 */
export function certifiedKeys(keys: KeySet, root: PinnedRoot, now: InstantMs): KeySet {
  const certified = new Map([...keys].filter(([, key]) => isCertified(key, root, now)));
  const purposes = new Set(Array.from(certified.values(), ({ purpose }) => purpose));
  if (purposes.size === 2) return certified;
  throw new StarlingError(
    "keys-not-certified",
    "The origin's keys have no certificate of the root key that this peer was given, or it has expired.",
  );
}

function isCertified(key: TrustedKey, root: PinnedRoot, now: InstantMs): boolean {
  try {
    const claims = verifyKeyCertificate(key.certificate ?? "", root, now);
    const publicKey = parsePublicKey(claims.publicKey);
    return (
      claims.purpose === key.purpose && publicKey.every((byte, at) => byte === key.publicKey[at])
    );
  } catch {
    return false; // What is no certificate of this root certifies nothing.
  }
}
