import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { merkleRoot, nobleCrypto, toHex } from "../core/index.ts";
import { merkleTreeOf } from "./merkle-tree.ts";

function sha256(...parts: Uint8Array[]): Buffer {
  return parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
}

/** MTH of RFC 9162 section 2.1.1, word for word: n > 1 splits at the largest power of two below n. */
function treeHash(entries: readonly Uint8Array[]): Buffer {
  const [first] = entries;
  if (first === undefined) return sha256();
  if (entries.length === 1) return sha256(Uint8Array.of(0x00), first);
  let split = 1;
  while (split * 2 < entries.length) split *= 2;
  const left = treeHash(entries.slice(0, split));
  return sha256(Uint8Array.of(0x01), left, treeHash(entries.slice(split)));
}

describe("merkleTreeOf", () => {
  test("gives the root of RFC 9162 section 2.1.1 for 1 to 300 leaves", () => {
    const entries: Uint8Array[] = [];
    for (let count = 1; count <= 300; count++) {
      entries.push(sha256(Uint8Array.of(count & 255, count >> 8)));
      const leaves = entries.map((entry) => sha256(Uint8Array.of(0x00), entry));
      const root = toHex(merkleTreeOf(leaves).getRoot());
      expect(root).toBe(treeHash(entries).toString("hex"));
      expect(root).toBe(toHex(merkleRoot(nobleCrypto, leaves)));
    }
  });

  test("proves a leaf by its index", () => {
    const leaves = Array.from({ length: 40 }, (_, esi) => sha256(Uint8Array.of(esi)));
    const tree = merkleTreeOf(leaves);
    const leaf = leaves[39];
    expect(leaf).toBeDefined();
    if (leaf) expect(tree.verify(tree.getProof(leaf, 39), leaf, tree.getRoot())).toBe(true);
  });
});
