import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { fromHex } from "./bytes.ts";
import { nobleCrypto } from "./crypto.ts";
import { signJoinToken } from "./join-token.ts";
import { parseJwks } from "./jwk.ts";
import { type Revocation, signRevocation, verifyRevocation } from "./revocation.ts";
import { instantMs } from "./time.ts";

interface RevocationVectors {
  readonly secretKey: string;
  readonly jwk: { readonly kid: string };
  readonly nowMs: number;
  readonly revocation: Revocation;
  readonly jws: string;
}

const vectors: RevocationVectors = JSON.parse(
  readFileSync(`${import.meta.dirname}/../fixtures/vectors/revocation.json`, "utf8"),
);
const { jwk, nowMs, revocation } = vectors;
const secretKey = fromHex(vectors.secretKey);
const sign = (message: Uint8Array): Uint8Array => nobleCrypto.sign(message, secretKey);
const trust = { keys: parseJwks({ keys: [jwk] }), crypto: nobleCrypto };
const context = { stream: revocation.stream, now: instantMs(nowMs) };
const signed = (changes: Partial<Revocation> = {}): string =>
  signRevocation({ ...revocation, ...changes }, jwk.kid, sign);

describe("a revocation", () => {
  test("is the vector's text, and is read back", () => {
    expect(signed()).toBe(vectors.jws);
    expect(verifyRevocation(vectors.jws, trust, context)).toEqual(revocation);
  });

  const token = signJoinToken({ ...revocation, role: "viewer", tokenId: "a" }, jwk.kid, sign);
  const refused: readonly (readonly [string, string, string])[] = [
    ["of another stream", "revocation-wrong-stream", signed({ stream: "other" })],
    ["that has ended", "revocation-expired", signed({ expiresAtS: nowMs / 1000 - 1 })],
    ["from the future", "revocation-not-yet-valid", signed({ issuedAtS: nowMs / 1000 + 31 })],
    ["that is a join token", "revocation-malformed", token],
    ["of what is no peer", "bad-public-key", signed({ peer: "bm9ib2R5" })],
    ["with another signature", "revocation-bad-signature", `${vectors.jws.slice(0, -4)}AAAA`],
  ];
  test.each(refused)("%s is refused", (_what, code, jws) => {
    expect(() => verifyRevocation(jws, trust, context)).toThrow(expect.objectContaining({ code }));
  });

  test("signed by a key that is none for tokens is refused", () => {
    const keys = parseJwks({ keys: [{ ...jwk, starling_purpose: "manifest" }] });
    expect(() => verifyRevocation(vectors.jws, { ...trust, keys }, context)).toThrow(
      expect.objectContaining({ code: "revocation-unknown-key" }),
    );
  });
});
