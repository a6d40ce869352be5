import { getPublicKey, hashes, sign, verify } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { wasmSha256 } from "./fec/index.ts";

/**
 * The synchronous primitives that the core needs. Node gives a faster one; both must agree on
 * every RFC 8032 vector. Signatures are strict: see PROTOCOL.md, "Signatures".
 */
export interface Crypto {
  /** SHA-256 of the concatenation of `parts`: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** Whether `signature` (64 bytes) is `publicKey`'s (32 bytes) over `message`. Never throws. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /** The Ed25519 signature (64 bytes) of `message` by a 32-byte secret key. */
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /** The 32-byte public key of a 32-byte secret key. */
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
}

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const SHA256_BYTES = 32;

hashes.sha512 = sha512;

/** The pure-JavaScript primitives of @noble, which run everywhere. */
export const nobleCrypto: Crypto = {
  sha256: (...parts) => {
    const hash = sha256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  verify: (signature, message, publicKey) => {
    try {
      return verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false; // A malformed point or scalar is a bad signature like any other.
    }
  },
  sign: (message, secretKey) => sign(message, secretKey),
  publicKeyOf: (secretKey) => getPublicKey(secretKey),
};

/** What a browser uses: SHA-256 in WebAssembly where there is any (docs/adr/0006-hashing.md). */
export const browserCrypto: Crypto = {
  ...nobleCrypto,
  sha256: (...parts) => (wasmSha256() ?? nobleCrypto.sha256)(...parts),
};
