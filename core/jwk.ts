import { fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";
import { type Crypto, PUBLIC_KEY_BYTES } from "./crypto.ts";
import { StarlingError } from "./errors.ts";
import { JsonFields } from "./json-fields.ts";

/** What a key of the origin may sign. One key never serves both. */
export type KeyPurpose = "manifest" | "token";

/** The longest certificate of a key, in characters. */
export const CERTIFICATE_LENGTH_MAX = 1024;

/** A public Ed25519 key as a JWK (RFC 8037 section 2), with its one purpose. */
export interface Ed25519Jwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly alg: "EdDSA";
  readonly use: "sig";
  readonly starling_purpose: KeyPurpose;
  /** What a root key says of it (key-certificate.ts), where there is one. */
  readonly starling_certificate?: string | undefined;
}

/** A JWK set (RFC 7517 section 5), as `/.well-known/jwks.json` gives it. */
export interface Jwks {
  readonly keys: readonly Ed25519Jwk[];
}

export interface TrustedKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** "root" certifies keys of the other purposes; an origin publishes none. */
  readonly purpose: KeyPurpose | "root";
  readonly certificate?: string | undefined;
}

/** The origin's public keys by key id. */
export type KeySet = ReadonlyMap<string, TrustedKey>;

const KEYS_MAX = 64;

/** The key id of a public key: its JWK thumbprint (RFC 7638, RFC 8037 appendix A.3). */
export function keyIdOf(publicKey: Uint8Array, { sha256 }: Pick<Crypto, "sha256">): string {
  const canonical = `{"crv":"Ed25519","kty":"OKP","x":"${toBase64Url(publicKey)}"}`;
  return toBase64Url(sha256(utf8(canonical)));
}

/** The public JWK of a 32-byte key. */
export function jwkOf(
  publicKey: Uint8Array,
  purpose: KeyPurpose,
  crypto: Pick<Crypto, "sha256">,
): Ed25519Jwk {
  return {
    kty: "OKP",
    crv: "Ed25519",
    x: toBase64Url(publicKey),
    kid: keyIdOf(publicKey, crypto),
    alg: "EdDSA",
    use: "sig",
    starling_purpose: purpose,
  };
}

/** Reads a JWK set; keys that are not ours to use are passed over. Throws StarlingError "bad-jwks". */
export function parseJwks(value: unknown): KeySet {
  const keys = new Map<string, TrustedKey>();
  for (const item of new JsonFields(value, "bad-jwks").array("keys", KEYS_MAX)) {
    const jwk = new JsonFields(item, "bad-jwks");
    if (!jwk.has("starling_purpose")) continue;
    keys.set(jwk.text("kid", 64), {
      publicKey: parsePublicKey(jwk.text("x", 64)),
      purpose: jwk.oneOf("starling_purpose", ["manifest", "token"]),
      certificate: jwk.has("starling_certificate")
        ? jwk.text("starling_certificate", CERTIFICATE_LENGTH_MAX)
        : undefined,
    });
  }
  return keys;
}

/** The 32 bytes of a base64url Ed25519 public key. Throws StarlingError "bad-public-key". */
export function parsePublicKey(text: string): Uint8Array {
  const publicKey = fromBase64Url(text);
  if (publicKey.length === PUBLIC_KEY_BYTES) return publicKey;
  throw new StarlingError(
    "bad-public-key",
    `Expected an Ed25519 public key of ${PUBLIC_KEY_BYTES} bytes, got ${publicKey.length}.`,
  );
}
