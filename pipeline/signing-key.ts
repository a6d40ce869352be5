import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import {
  type Ed25519Jwk,
  errorCode,
  fromBase64Url,
  jwkOf,
  type KeyPurpose,
  parseJson,
  StarlingError,
  toBase64Url,
} from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";

/** A key that signs for one purpose. Its secret never leaves this object. */
export interface SigningKey {
  /** The public half, as peers get it. */
  readonly jwk: Ed25519Jwk;
  /** The 64-byte Ed25519 signature of `message` (RFC 8032 section 5.1.6). */
  sign(message: Uint8Array): Uint8Array;
}

/** A key that certifies signing keys, and is kept off line. Its secret never leaves this object. */
export interface RootKey {
  /** 32 bytes: what peers pin. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

const SECRET_KEY_BYTES = 32;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** A private OKP JWK (RFC 8037 section 2). */
const privateJwkSchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  d: z.string().length(43),
  x: z.string().length(43),
});

/**
 * Reads the key of a private JWK file; makes the file (mode 0600) when there is none.
 * Throws StarlingError "key-file-permissions" when others may read it, "key-file-malformed".
 */
export async function loadSigningKey(keyFile: string, purpose: KeyPurpose): Promise<SigningKey> {
  const text = (await readKeyFile(keyFile)) ?? (await createKeyFile(keyFile));
  const secretKey = secretKeyOf(keyFile, text);
  const jwk = jwkOf(nodeCrypto.publicKeyOf(secretKey), purpose, nodeCrypto);
  return { jwk, sign: (message) => nodeCrypto.sign(message, secretKey) };
}

/**
 * Reads a root key from a private JWK file; `isMade`: makes it when there is none. Throws StarlingError
 * "key-file-permissions", "key-file-malformed" or "key-file-missing".
 */
export async function loadRootKey(
  keyFile: string,
  { isMade }: { readonly isMade: boolean },
): Promise<RootKey> {
  const text = (await readKeyFile(keyFile)) ?? (isMade ? await createKeyFile(keyFile) : undefined);
  if (text === undefined) {
    throw new StarlingError("key-file-missing", `There is no root key at ${keyFile}.`);
  }
  const secretKey = secretKeyOf(keyFile, text);
  return {
    publicKey: nodeCrypto.publicKeyOf(secretKey),
    sign: (message) => nodeCrypto.sign(message, secretKey),
  };
}

function secretKeyOf(keyFile: string, text: string): Uint8Array {
  const secretKey = secretKeyIn(text);
  if (secretKey === undefined) throw malformed(keyFile, "is not a private Ed25519 JWK");
  return secretKey;
}

/** The secret key of a private JWK whose halves fit together. */
function secretKeyIn(text: string): Uint8Array | undefined {
  try {
    const { d, x } = privateJwkSchema.parse(parseJson(text, "key-file-malformed"));
    const secretKey = fromBase64Url(d);
    return toBase64Url(nodeCrypto.publicKeyOf(secretKey)) === x ? secretKey : undefined;
  } catch {
    return undefined; // What was thrown would quote the file: it stays out of every error and log.
  }
}

async function readKeyFile(keyFile: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(keyFile);
    if ((mode & OTHERS) !== 0) {
      throw new StarlingError(
        "key-file-permissions",
        `${keyFile} is open to other users of this machine: run chmod 600 on it.`,
      );
    }
    return await readFile(keyFile, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a new key. Of processes that start together one wins, and all read what it wrote. */
async function createKeyFile(keyFile: string): Promise<string> {
  const secretKey = randomBytes(SECRET_KEY_BYTES);
  const jwk = {
    kty: "OKP",
    crv: "Ed25519",
    d: toBase64Url(secretKey),
    x: toBase64Url(nodeCrypto.publicKeyOf(secretKey)),
  };
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
  const temporary = `${keyFile}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(jwk)}\n`, { mode: OWNER_ONLY, flush: true });
    await link(temporary, keyFile);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  const text = await readKeyFile(keyFile);
  if (text === undefined) throw malformed(keyFile, "vanished while it was made");
  return text;
}

function malformed(keyFile: string, what: string): StarlingError {
  return new StarlingError(
    "key-file-malformed",
    `${keyFile} ${what}: restore it from a backup, or move it away to get a new key.`,
  );
}
