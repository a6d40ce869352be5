import { type Crypto, nobleCrypto, SIGNATURE_BYTES } from "../core/index.ts";

const PUBLIC_KEY_SALT = 0x9e_37_79_b9;
const SIGNATURE_SALT = 0x85_eb_ca_6b;
const PUBLIC_KEY_BYTES = 32;

/**
 * Signatures that cost nothing: a mark of the public key and the message, which nobody in the world makes
 * but the holder of the secret key. SHA-256 is real.
 */
export const worldCrypto: Crypto = {
  sha256: nobleCrypto.sha256,
  publicKeyOf: (secretKey) => marked(PUBLIC_KEY_SALT, [secretKey], PUBLIC_KEY_BYTES),
  sign: (message, secretKey) => signatureOf(worldCrypto.publicKeyOf(secretKey), message),
  verify: (signature, message, publicKey) => {
    if (signature.length !== SIGNATURE_BYTES) return false;
    const expected = signatureOf(publicKey, message);
    return signature.every((byte, at) => byte === expected[at]);
  },
};

function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return marked(SIGNATURE_SALT, [publicKey, message], SIGNATURE_BYTES);
}

/** Bytes that depend on every byte of `parts` (two lanes of MurmurHash3's mixing). */
function marked(salt: number, parts: readonly Uint8Array[], byteLength: number): Uint8Array {
  let low = salt;
  let high = ~salt;
  for (const part of parts) {
    for (const byte of part) {
      low = Math.imul(low ^ byte, 0x01_00_01_93);
      high = Math.imul(high ^ byte ^ (low >>> 15), 0xc2_b2_ae_35);
    }
    high ^= part.length;
  }
  const bytes = new Uint8Array(byteLength);
  for (let at = 0; at < byteLength; at++) {
    low = Math.imul(low ^ (high >>> 13), 0x85_eb_ca_6b);
    high = Math.imul(high ^ (low >>> 16), 0xc2_b2_ae_35) + at;
    bytes[at] = (low ^ high) >>> 11;
  }
  return bytes;
}
