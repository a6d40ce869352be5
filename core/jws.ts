import { fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";
import type { Crypto } from "./crypto.ts";
import { StarlingError } from "./errors.ts";
import { JsonFields, parseJson } from "./json-fields.ts";
import type { KeySet, TrustedKey } from "./jwk.ts";

/** The longest compact JWS that is read, in characters. */
export const JWS_LENGTH_MAX = 4096;

/** What the origin signs, each with its own `typ` and key purpose, so that none passes for another. */
export interface JwsKind {
  /** The `typ` header (RFC 8725 section 3.11). */
  readonly typ: string;
  readonly purpose: TrustedKey["purpose"];
  /** The first word of every error code: `manifest` gives `manifest-bad-signature`. */
  readonly name: string;
}

/** What a verifier needs: the trusted keys and the primitives. */
export interface Trust {
  readonly keys: KeySet;
  readonly crypto: Pick<Crypto, "verify">;
}

/** The compact JWS (RFC 7515 section 7.1, EdDSA of RFC 8037) of a payload of ASCII text. */
export function signJws(
  kind: JwsKind,
  keyId: string,
  payload: object,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  const header = { alg: "EdDSA", typ: kind.typ, kid: keyId };
  const input = `${encodeJson(header)}.${encodeJson(payload)}`;
  return `${input}.${toBase64Url(sign(utf8(input)))}`;
}

/**
 * The payload of a compact JWS, once its type, key and signature are right.
 * Throws StarlingError "<name>-malformed", "<name>-unknown-key" or "<name>-bad-signature".
 */
export function verifyJws(kind: JwsKind, jws: string, { keys, crypto }: Trust): JsonFields {
  const malformed = `${kind.name}-malformed`;
  const parts = jws.split(".");
  const [header, payload, signature] = parts;
  if (jws.length > JWS_LENGTH_MAX || parts.length !== 3 || !header || !payload || !signature) {
    throw new StarlingError(malformed, "Expected a compact JWS of three parts.");
  }
  const fields = decodeJson(header, malformed);
  fields.oneOf("alg", ["EdDSA"]);
  fields.oneOf("typ", [kind.typ]);
  const key = keys.get(fields.text("kid", 64));
  if (key === undefined || key.purpose !== kind.purpose) {
    throw new StarlingError(
      `${kind.name}-unknown-key`,
      `The key is not one that the origin publishes for this purpose (${kind.purpose}).`,
    );
  }
  if (
    !crypto.verify(fromBase64Url(signature, malformed), utf8(`${header}.${payload}`), key.publicKey)
  ) {
    throw new StarlingError(`${kind.name}-bad-signature`, "The signature does not verify.");
  }
  return decodeJson(payload, malformed);
}

/** The payload of a compact JWS, unchecked. Throws StarlingError with this code. */
export function decodeJws(jws: string, code: string): JsonFields {
  return decodeJson(jws.split(".")[1] ?? "", code);
}

function encodeJson(value: object): string {
  return toBase64Url(utf8(JSON.stringify(value)));
}

function decodeJson(part: string, code: string): JsonFields {
  let text = "";
  for (const byte of fromBase64Url(part, code)) {
    if (byte >= 0x80) throw new StarlingError(code, "Expected ASCII text.");
    text += String.fromCharCode(byte);
  }
  return new JsonFields(parseJson(text, code), code);
}
