import { createHash } from "node:crypto";
import { expect, test } from "@jest/globals";
import { toHex, utf8 } from "./bytes.ts";
import { nobleCrypto } from "./crypto.ts";
import { leafHash, leavesMatchRoot, merkleRoot } from "./merkle.ts";

/** MTH of RFC 9162 section 2.1.1, as it stands there. */
function treeHash(entries: readonly Uint8Array[]): Uint8Array {
  const [only] = entries;
  if (only === undefined) return createHash("sha256").digest();
  if (entries.length === 1)
    return createHash("sha256").update(Uint8Array.of(0)).update(only).digest();
  let split = 1;
  while (split * 2 < entries.length) split *= 2;
  return createHash("sha256")
    .update(Uint8Array.of(1))
    .update(treeHash(entries.slice(0, split)))
    .update(treeHash(entries.slice(split)))
    .digest();
}

test("the root is RFC 9162's for 1 to 300 leaves", () => {
  const entries = Array.from({ length: 300 }, (_, index) => utf8(`entry ${index}`));
  for (let count = 1; count <= entries.length; count++) {
    const some = entries.slice(0, count);
    const leaves = some.map((entry) => leafHash(nobleCrypto, entry));
    expect(toHex(merkleRoot(nobleCrypto, leaves))).toBe(toHex(treeHash(some)));
  }
});

test("no leaves match no root", () => {
  expect(leavesMatchRoot(nobleCrypto, [], treeHash([]))).toBe(false);
});
