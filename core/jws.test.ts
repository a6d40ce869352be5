import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { importJWK, jwtVerify } from "jose";
import { fromHex, toBase64Url, utf8 } from "./bytes.ts";
import { nobleCrypto } from "./crypto.ts";
import { type JoinClaims, signJoinToken, verifyJoinToken } from "./join-token.ts";
import { jwkOf, parseJwks } from "./jwk.ts";
import { type Manifest, signManifest, verifyManifest } from "./manifest.ts";
import { instantMs } from "./time.ts";

const { sha256, sign, publicKeyOf } = nobleCrypto;
const NOW = instantMs(1_800_000_000_000);
const NOW_S = NOW / 1000;

const manifestSecret = sha256(utf8("manifest"));
const tokenSecret = sha256(utf8("token"));
const manifestJwk = jwkOf(publicKeyOf(manifestSecret), "manifest", nobleCrypto);
const tokenJwk = jwkOf(publicKeyOf(tokenSecret), "token", nobleCrypto);
const trust = { keys: parseJwks({ keys: [manifestJwk, tokenJwk] }), crypto: nobleCrypto };

const manifest: Manifest = {
  stream: "demo",
  session: "a-session",
  block: { rendition: 0, sequence: 12, part: 0 },
  last: true,
  discontinuity: 1,
  init: { sequence: 3, sha256: toBase64Url(sha256(utf8("init"))) },
  durationMs: 1000,
  programDateTimeMs: NOW - 1200,
  completedAtMs: NOW - 100,
  byteLength: 375_000,
  sha256: toBase64Url(sha256(utf8("bytes"))),
  fec: { code: "leopard-gf8", k: 32, n: 40, symbolBytes: 11_776 },
  root: toBase64Url(sha256(utf8("root"))),
  issuedAtS: NOW_S,
  expiresAtS: NOW_S + 120,
};

const claims: JoinClaims = {
  stream: "demo",
  peer: toBase64Url(publicKeyOf(sha256(utf8("peer")))),
  role: "viewer",
  tokenId: "a-token",
  issuedAtS: NOW_S,
  expiresAtS: NOW_S + 300,
};

function signed(changes: Partial<Manifest> = {}): string {
  return signManifest({ ...manifest, ...changes }, manifestJwk.kid, (message) =>
    sign(message, manifestSecret),
  );
}

function token(changes: Partial<JoinClaims> = {}): string {
  return signJoinToken({ ...claims, ...changes }, tokenJwk.kid, (message) =>
    sign(message, tokenSecret),
  );
}

const demo = { stream: "demo", now: NOW };

interface ManifestVectors {
  readonly secretKey: string;
  readonly jwk: typeof manifestJwk;
  readonly nowMs: number;
  readonly vectors: readonly {
    readonly what: string;
    readonly manifest: Manifest;
    readonly jws: string;
  }[];
}

const vectors: ManifestVectors = JSON.parse(
  readFileSync(`${import.meta.dirname}/../fixtures/vectors/manifest.json`, "utf8"),
);

describe("a manifest", () => {
  test("is read back as it was signed", () => {
    expect(verifyManifest(signed(), trust, demo)).toEqual(manifest);
  });

  test.each(vectors.vectors)("of $what is the vector's text", ({ manifest: expected, jws }) => {
    const { secretKey, jwk, nowMs } = vectors;
    const key = fromHex(secretKey);
    expect(signManifest(expected, jwk.kid, (message) => sign(message, key))).toBe(jws);
    const vectorTrust = { keys: parseJwks({ keys: [jwk] }), crypto: nobleCrypto };
    const context = { stream: "demo", now: instantMs(nowMs) };
    expect(verifyManifest(jws, vectorTrust, context)).toEqual(expected);
  });

  test("is verified by jose, an independent JOSE library", async () => {
    const { payload, protectedHeader } = await jwtVerify(
      signed(),
      await importJWK({ ...manifestJwk }, "EdDSA"),
      { currentDate: new Date(NOW), typ: "starling-manifest+jwt" },
    );
    expect(protectedHeader.kid).toBe(manifestJwk.kid);
    expect(payload["seq"]).toBe(12);
  });

  const refused: readonly (readonly [string, string, () => string])[] = [
    ["that has expired", "manifest-expired", () => signed({ expiresAtS: NOW_S - 1 })],
    ["from the future", "manifest-not-yet-valid", () => signed({ issuedAtS: NOW_S + 31 })],
    ["of another stream", "manifest-wrong-stream", () => signed({ stream: "other" })],
    ["that is a join token", "manifest-malformed", () => token()],
    ["with a FEC that cannot be", "fec-parameters", () => signed({ byteLength: 1 })],
    [
      "signed by the token key",
      "manifest-unknown-key",
      () => signManifest(manifest, tokenJwk.kid, (message) => sign(message, tokenSecret)),
    ],
    [
      "whose payload was changed",
      "manifest-bad-signature",
      () => {
        const [header, , signature] = signed().split(".");
        return [header, signed({ discontinuity: 2 }).split(".")[1], signature].join(".");
      },
    ],
    ["with a digest that is no digest", "manifest-malformed", () => signed({ root: "!" })],
    ["with a signature in another alphabet", "manifest-malformed", () => `${signed()}+`],
    ["that is no JWS", "manifest-malformed", () => "a.b"],
  ];
  test.each(refused)("%s is refused as %s", (_, code, make) => {
    expect(() => verifyManifest(make(), trust, demo)).toThrow(expect.objectContaining({ code }));
  });
});

describe("a join token", () => {
  test("is read back as it was signed", () => {
    expect(verifyJoinToken(token(), trust, demo)).toEqual(claims);
    const bound = { ...claims, network: "192.0.2.0/24", region: "eu-west", relay: true };
    expect(verifyJoinToken(token(bound), trust, demo)).toEqual(bound);
  });

  test("is verified by jose and names the peer's key in cnf", async () => {
    const { payload } = await jwtVerify(token(), await importJWK({ ...tokenJwk }, "EdDSA"), {
      currentDate: new Date(NOW),
      typ: "starling-join+jwt",
      audience: "demo",
    });
    expect(payload["cnf"]).toEqual({ jwk: { kty: "OKP", crv: "Ed25519", x: claims.peer } });
  });

  test("of another stream or out of time is refused", () => {
    expect(() => verifyJoinToken(token({ stream: "other" }), trust, demo)).toThrow(
      expect.objectContaining({ code: "token-wrong-stream" }),
    );
    expect(() => verifyJoinToken(token({ expiresAtS: NOW_S }), trust, demo)).toThrow(
      expect.objectContaining({ code: "token-expired" }),
    );
  });
});

test("a key id is the thumbprint of RFC 8037 appendix A.3", () => {
  const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  const [key] = parseJwks({ keys: [{ kid: "k", x, starling_purpose: "token" }] }).values();
  const { kid } = jwkOf(key?.publicKey ?? new Uint8Array(), "token", nobleCrypto);
  expect(kid).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});
