import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import {
  type Ed25519Jwk,
  errorCode,
  fromBase64Url,
  type JoinClaims,
  jwkOf,
  nobleCrypto,
  PUBLIC_KEY_BYTES,
  parseJson,
  StarlingError,
  signJoinToken,
  toBase64Url,
} from "../core/index.ts";

/** The API's own signing key. Only this object ever holds the secret half. */
export interface TokenKey {
  readonly jwk: Ed25519Jwk;
  sign(claims: JoinClaims): string;
}

const KEY_FILE_MODE = 0o600;
const OTHERS = 0o077;
const SECRET_BYTES = 32;

/** A private JWK (RFC 8037 section 2). */
const fileSchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().length(43),
  d: z.string().length(43),
});

/**
 * Reads the token key, or makes it at the first start (mode 0600).
 * Throws StarlingError "key-file-readable" when others than the owner may read it, "key-file-damaged".
 */
export async function openTokenKey(path: string): Promise<TokenKey> {
  await createIfMissing(path);
  await refuseIfOthersMayRead(path);
  const secretKey = await readSecretKey(path);
  const jwk = jwkOf(nobleCrypto.publicKeyOf(secretKey), "token", nobleCrypto);
  return {
    jwk,
    sign: (claims) =>
      signJoinToken(claims, jwk.kid, (message) => nobleCrypto.sign(message, secretKey)),
  };
}

async function createIfMissing(path: string): Promise<void> {
  if (await exists(path)) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const secretKey = new Uint8Array(randomBytes(SECRET_BYTES));
  const jwk = {
    kty: "OKP",
    crv: "Ed25519",
    x: toBase64Url(nobleCrypto.publicKeyOf(secretKey)),
    d: toBase64Url(secretKey),
  };
  // The file appears whole: of processes that start together one wins, and all read what it wrote.
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(jwk)}\n`, { mode: KEY_FILE_MODE, flush: true });
    await link(temporary, path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === "ENOENT") return false;
      throw error;
    },
  );
}

async function refuseIfOthersMayRead(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & OTHERS) === 0) return;
  throw new StarlingError(
    "key-file-readable",
    `Others than its owner may read the token key: run chmod 600 ${path}.`,
  );
}

async function readSecretKey(path: string): Promise<Uint8Array> {
  const text = await readFile(path, "utf8");
  try {
    const { x, d } = fileSchema.parse(parseJson(text, "key-file-damaged"));
    const secretKey = fromBase64Url(d);
    const isPair = toBase64Url(nobleCrypto.publicKeyOf(secretKey)) === x;
    if (isPair && secretKey.length === PUBLIC_KEY_BYTES) return secretKey;
  } catch {
    // The cause would quote the file: it stays out of the error on purpose.
  }
  throw new StarlingError(
    "key-file-damaged",
    `${path} holds no Ed25519 key. Restore it, or move it away and a new one is made.`,
  );
}
