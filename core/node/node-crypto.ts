import {
  createPrivateKey,
  createPublicKey,
  sign as ed25519Sign,
  verify as ed25519Verify,
  hash,
  type KeyObject,
} from "node:crypto";
import { Point } from "@noble/ed25519";
import { assert, type Crypto, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../index.ts";

const SECRET_KEY_BYTES = 32;
const KEYS_CACHED_MAX = 1024;

// DER of RFC 8410, section 7 (private) and section 4 (public), up to the 32 raw bytes.
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Key objects by raw key: parsing a key costs more than using it. The oldest leaves when full. */
class KeyCache<Value> {
  readonly #values = new Map<string, Value>();
  readonly #make: (key: Uint8Array) => Value;

  constructor(make: (key: Uint8Array) => Value) {
    this.#make = make;
  }

  get(key: Uint8Array): Value {
    const name = Buffer.from(key).toString("base64");
    const cached = this.#values.get(name);
    if (cached !== undefined) return cached;
    const value = this.#make(key);
    if (this.#values.size >= KEYS_CACHED_MAX) {
      for (const oldest of this.#values.keys()) {
        this.#values.delete(oldest);
        break;
      }
    }
    this.#values.set(name, value);
    return value;
  }
}

const privateKeys = new KeyCache((secretKey): KeyObject => {
  assert(secretKey.length === SECRET_KEY_BYTES, "an Ed25519 secret key has 32 bytes");
  const key = Buffer.concat([PKCS8_PREFIX, secretKey]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
});

/** `null` stands for a key under which nothing verifies. */
const publicKeys = new KeyCache((publicKey): KeyObject | null => {
  if (!isStrictPublicKey(publicKey)) return null;
  const key = Buffer.concat([SPKI_PREFIX, publicKey]);
  return createPublicKey({ key, format: "der", type: "spki" });
});

/**
 * OpenSSL takes keys that the strict rules refuse (not canonical, or of small order, under which
 * one signature fits many messages), so @noble decides which keys there are.
 */
function isStrictPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false;
  try {
    return !Point.fromBytes(Uint8Array.from(publicKey)).isSmallOrder();
  } catch {
    return false;
  }
}

/** A plain view: a Buffer fails the byte checks of @noble, which asks for a Uint8Array. */
function plainBytes({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** The core's primitives by OpenSSL, several times faster than @noble on the same inputs. */
export const nodeCrypto: Crypto = {
  sha256: (...parts) => {
    const [only] = parts;
    const message = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    return plainBytes(hash("sha256", message, "buffer"));
  },
  verify: (signature, message, publicKey) => {
    if (signature.length !== SIGNATURE_BYTES) return false;
    const key = publicKeys.get(publicKey);
    return key !== null && ed25519Verify(null, message, key, signature);
  },
  sign: (message, secretKey) => plainBytes(ed25519Sign(null, message, privateKeys.get(secretKey))),
  publicKeyOf: (secretKey) => {
    const der = createPublicKey(privateKeys.get(secretKey)).export({ format: "der", type: "spki" });
    return plainBytes(der.subarray(SPKI_PREFIX.length));
  },
};
