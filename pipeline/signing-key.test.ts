import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { fromHex, nobleCrypto, toHex, utf8 } from "../core/index.ts";
import { loadSigningKey } from "./signing-key.ts";

let dir: string;
let keyFile: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "signing-key-"));
  keyFile = join(dir, "keys", "manifest.jwk");
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function vectors<Shape>(name: string): Promise<Shape> {
  const file = new URL(`../fixtures/vectors/${name}`, import.meta.url);
  return JSON.parse(await readFile(file, "utf8")) as Shape;
}

interface Rfc8032 {
  vectors: {
    name: string;
    secretKey: string;
    publicKey: string;
    message: string;
    signature: string;
  }[];
}
interface Rfc8037 {
  privateJwk: object;
  thumbprint: string;
  protectedHeader: string;
  payload: string;
  jws: string;
}

describe("loadSigningKey", () => {
  test("makes a key that only the owner may read, and finds it again", async () => {
    const made = await loadSigningKey(keyFile, "manifest");
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    expect((await loadSigningKey(keyFile, "manifest")).jwk).toEqual(made.jwk);
    expect(made.jwk).toMatchObject({ kty: "OKP", crv: "Ed25519", starling_purpose: "manifest" });
    expect(Object.keys(made.jwk)).not.toContain("d");
  });

  test("gives signers that start together one key", async () => {
    const keys = await Promise.all(
      Array.from({ length: 5 }, () => loadSigningKey(keyFile, "manifest")),
    );
    expect(new Set(keys.map(({ jwk }) => jwk.kid)).size).toBe(1);
  });

  test("refuses a key file that others may read", async () => {
    await loadSigningKey(keyFile, "manifest");
    await chmod(keyFile, 0o640);
    await expect(loadSigningKey(keyFile, "manifest")).rejects.toMatchObject({
      code: "key-file-permissions",
    });
  });

  test("refuses a damaged key file, and its message holds no secret", async () => {
    await loadSigningKey(keyFile, "manifest");
    const jwk = JSON.parse(await readFile(keyFile, "utf8")) as { d: string; x: string };
    await writeFile(keyFile, JSON.stringify({ ...jwk, x: jwk.d }));
    const refusal = expect(loadSigningKey(keyFile, "manifest")).rejects;
    await refusal.toMatchObject({
      code: "key-file-malformed",
      message: expect.not.stringContaining(jwk.d),
    });
    await writeFile(keyFile, `{"d":"${jwk.d}`);
    await expect(loadSigningKey(keyFile, "manifest")).rejects.toMatchObject({
      code: "key-file-malformed",
    });
  });
});

describe("the signature", () => {
  test("is that of every vector of RFC 8032 section 7.1", async () => {
    const { vectors: all } = await vectors<Rfc8032>("rfc8032.json");
    expect(all.length).toBe(5);
    for (const { secretKey, publicKey, message, signature } of all) {
      expect(toHex(nobleCrypto.publicKeyOf(fromHex(secretKey)))).toBe(publicKey);
      expect(toHex(nobleCrypto.sign(fromHex(message), fromHex(secretKey)))).toBe(signature);
      expect(nobleCrypto.verify(fromHex(signature), fromHex(message), fromHex(publicKey))).toBe(
        true,
      );
    }
  });

  test("is that of RFC 8037 appendix A, with its key and its thumbprint", async () => {
    const rfc = await vectors<Rfc8037>("rfc8037.json");
    await loadSigningKey(keyFile, "manifest");
    await writeFile(keyFile, JSON.stringify(rfc.privateJwk));
    const key = await loadSigningKey(keyFile, "manifest");
    expect(key.jwk.kid).toBe(rfc.thumbprint);
    const encode = (text: string) => Buffer.from(text).toString("base64url");
    const input = `${encode(rfc.protectedHeader)}.${encode(rfc.payload)}`;
    const signature = Buffer.from(key.sign(utf8(input))).toString("base64url");
    expect(`${input}.${signature}`).toBe(rfc.jws);
  });
});
