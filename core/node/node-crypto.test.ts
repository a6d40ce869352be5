import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromHex, nobleCrypto, toHex, utf8 } from "../index.ts";
import { nodeCrypto } from "./node-crypto.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** The points of small order, each in its canonical spelling (y, then the sign of x). */
const SMALL_ORDER = [
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "00".repeat(32),
  `${"00".repeat(31)}80`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

describe("nodeCrypto", () => {
  test("gives the SHA-256 of all parts together, as @noble does", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), (parts) => {
        expect(toHex(nodeCrypto.sha256(...parts))).toBe(toHex(nobleCrypto.sha256(...parts)));
      }),
    );
  });

  test("passes test 2 of RFC 8032, section 7.1", () => {
    const secretKey = fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const publicKey = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const signature = fromHex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    const message = Uint8Array.of(0x72);
    expect(toHex(nodeCrypto.publicKeyOf(secretKey))).toBe(toHex(publicKey));
    expect(toHex(nodeCrypto.sign(message, secretKey))).toBe(toHex(signature));
    expect(nodeCrypto.verify(signature, message, publicKey)).toBe(true);
  });

  test("signs as @noble does, and each verifies the other", () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 100 }), (secretKey, message) => {
        const signature = nodeCrypto.sign(message, secretKey);
        const publicKey = nodeCrypto.publicKeyOf(secretKey);
        expect(toHex(signature)).toBe(toHex(nobleCrypto.sign(message, secretKey)));
        expect(toHex(publicKey)).toBe(toHex(nobleCrypto.publicKeyOf(secretKey)));
        expect(nobleCrypto.verify(signature, message, publicKey)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test("refuses a signature with any one bit changed", () => {
    const secretKey = nobleCrypto.sha256(utf8("key"));
    const publicKey = nodeCrypto.publicKeyOf(secretKey);
    const signature = nodeCrypto.sign(utf8("message"), secretKey);
    for (let bit = 0; bit < 512; bit++) {
      const changed = signature.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(nodeCrypto.verify(changed, utf8("message"), publicKey)).toBe(false);
    }
  });

  test("refuses keys of small order, under which a signature fits many messages", () => {
    for (const key of SMALL_ORDER) {
      // R = A and S = 0 satisfies the equation for such a key whenever the hash is right.
      for (let attempt = 0; attempt < 16; attempt++) {
        const signature = fromHex(`01${"00".repeat(63)}`);
        const message = Uint8Array.of(attempt);
        expect(nodeCrypto.verify(signature, message, fromHex(key))).toBe(false);
        expect(nobleCrypto.verify(signature, message, fromHex(key))).toBe(false);
      }
    }
  });

  test("answers false to keys and signatures of a wrong length", () => {
    const secretKey = nobleCrypto.sha256(utf8("key"));
    const signature = nodeCrypto.sign(utf8("m"), secretKey);
    const publicKey = nodeCrypto.publicKeyOf(secretKey);
    expect(nodeCrypto.verify(signature.subarray(1), utf8("m"), publicKey)).toBe(false);
    expect(nodeCrypto.verify(signature, utf8("m"), publicKey.subarray(1))).toBe(false);
    expect(nodeCrypto.verify(signature, utf8("m"), fromHex("ff".repeat(32)))).toBe(false);
  });
});
