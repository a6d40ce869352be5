import { describe, expect, test } from "@jest/globals";
import { compactVerify, importJWK } from "jose";
import { fromBase64Url, toBase64Url } from "./bytes.ts";
import { nobleCrypto } from "./crypto.ts";
import { type Ed25519Jwk, jwkOf, type KeyPurpose, keyIdOf, parseJwks } from "./jwk.ts";
import { certifiedKeys, signKeyCertificate, verifyKeyCertificate } from "./key-certificate.ts";
import { instantMs } from "./time.ts";

const NOW_S = 1_800_000_000;
const now = instantMs(NOW_S * 1000);

function keyPair(seed: number) {
  const secretKey = new Uint8Array(32).fill(seed);
  const publicKey = nobleCrypto.publicKeyOf(secretKey);
  return { publicKey, sign: (message: Uint8Array) => nobleCrypto.sign(message, secretKey) };
}

const root = keyPair(1);
const manifest = keyPair(2);
const token = keyPair(3);
const pinned = { publicKey: root.publicKey, crypto: nobleCrypto };

function certificateOf(
  key: ReturnType<typeof keyPair>,
  purpose: KeyPurpose,
  { by = root, expiresAtS = NOW_S + 3600 } = {},
): string {
  const publicKey = toBase64Url(key.publicKey);
  const claims = { publicKey, purpose, issuedAtS: NOW_S, expiresAtS };
  return signKeyCertificate(claims, keyIdOf(by.publicKey, nobleCrypto), by.sign);
}

function published(
  key: ReturnType<typeof keyPair>,
  purpose: KeyPurpose,
  starling_certificate: string | undefined,
): Ed25519Jwk {
  return { ...jwkOf(key.publicKey, purpose, nobleCrypto), starling_certificate };
}

const certifiedToken = published(token, "token", certificateOf(token, "token"));

function keysOf(...keys: Ed25519Jwk[]): string[] {
  return [...certifiedKeys(parseJwks(JSON.parse(JSON.stringify({ keys }))), pinned, now).keys()];
}

describe("the certificate of a signing key", () => {
  test("is a JWS that any library can check", async () => {
    const jws = certificateOf(manifest, "manifest");
    const jwk = { kty: "OKP", crv: "Ed25519", x: toBase64Url(root.publicKey) };
    const { payload, protectedHeader } = await compactVerify(jws, await importJWK(jwk, "EdDSA"));
    expect(protectedHeader.typ).toBe("starling-key+jwt");
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      purpose: "manifest",
      cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: toBase64Url(manifest.publicKey) } },
      iat: NOW_S,
      exp: NOW_S + 3600,
    });
  });

  test.each([
    ["certificate-unknown-key", { by: manifest }, 0],
    ["certificate-expired", {}, 3600],
    ["certificate-not-yet-valid", {}, -60],
  ])("is refused as %s", (code, how, laterS) => {
    const jws = certificateOf(token, "token", how);
    const then = instantMs((NOW_S + laterS) * 1000);
    expect(() => verifyKeyCertificate(jws, pinned, then)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test("with any byte changed is refused", () => {
    const [header = "", payload = "", signature = ""] = certificateOf(token, "token").split(".");
    for (let at = 0; at < 64; at += 7) {
      const bytes = fromBase64Url(signature).slice();
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const changed = [header, payload, toBase64Url(bytes)].join(".");
      expect(() => verifyKeyCertificate(changed, pinned, now)).toThrow();
    }
  });
});

describe("a peer that was given a root key", () => {
  test("believes the keys that it certified, and no other", () => {
    const good = published(manifest, "manifest", certificateOf(manifest, "manifest"));
    const bare = published(keyPair(4), "manifest", undefined);
    const foreign = keyPair(5);
    const others = [
      bare,
      published(foreign, "manifest", certificateOf(foreign, "manifest", { by: manifest })),
      // One that was certified for another purpose, or as another key.
      published(keyPair(6), "manifest", certificateOf(keyPair(6), "token")),
      published(keyPair(7), "manifest", certificateOf(manifest, "manifest")),
      published(keyPair(8), "manifest", "no certificate"),
    ];
    expect(keysOf(good, certifiedToken, ...others)).toEqual([good.kid, certifiedToken.kid]);
  });

  test("believes nothing at all of an origin without certificates, or with old ones", () => {
    const old = certificateOf(manifest, "manifest", { expiresAtS: NOW_S });
    for (const certificate of [undefined, old]) {
      const key = published(manifest, "manifest", certificate);
      expect(() => keysOf(key, certifiedToken)).toThrow(
        expect.objectContaining({ code: "keys-not-certified" }),
      );
    }
  });
});
