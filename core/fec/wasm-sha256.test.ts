import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { toHex, utf8 } from "../bytes.ts";
import { bytesFrom } from "./testing/samples.ts";
import { instantiate } from "./wasm-instance.ts";
import { sha256On } from "./wasm-sha256.ts";

const exports = instantiate("strict");
if (exports === undefined) throw new Error("Node.js takes the build with strict SIMD.");
const sha256 = sha256On(exports);

function nodeDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("SHA-256 in WebAssembly", () => {
  // NIST, "Examples with Intermediate Values" of SHA-256, and FIPS 180-2 appendix B.3.
  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("gives the vectors of NIST", (text, digest) => {
    expect(toHex(sha256(utf8(text)))).toBe(digest);
  });

  test("agrees with Node.js for every length around one and two blocks", () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = bytesFrom(length, length);
      expect(toHex(sha256(bytes))).toBe(nodeDigest(bytes));
    }
  });

  test("agrees with Node.js for messages longer than its memory, in any parts", () => {
    const message = fc.record({
      seed: fc.nat(),
      lengths: fc.array(fc.oneof(fc.nat({ max: 70 }), fc.nat({ max: 60_000 })), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(message, ({ seed, lengths }) => {
        const parts = lengths.map((length, index) => bytesFrom(seed + index, length));
        expect(toHex(sha256(...parts))).toBe(nodeDigest(Buffer.concat(parts)));
      }),
    );
  });

  test("agrees with Node.js where the padding ends its memory", () => {
    const area = 0x1_ff_c0 - 0x1_24_00;
    for (let length = area - 66; length <= area + 66; length++) {
      const bytes = bytesFrom(length, length);
      expect(toHex(sha256(bytes))).toBe(nodeDigest(bytes));
    }
  });
});
