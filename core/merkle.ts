import { equalBytes } from "./bytes.ts";
import type { Crypto } from "./crypto.ts";
import { assert } from "./errors.ts";

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

type Sha256 = Pick<Crypto, "sha256">;

/** The 32-byte hash of one leaf (RFC 9162 section 2.1.1). The leaf is a symbol as it travels, unpadded. */
export function leafHash({ sha256 }: Sha256, symbol: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, symbol);
}

/** The 32-byte hash of an inner node (RFC 9162 section 2.1.1). */
export function nodeHash({ sha256 }: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right);
}

/**
 * The root of the tree over `leaves` (hashes of 32 bytes, in ESI order, at least one).
 * Pairing level by level and promoting an odd last node gives the tree of RFC 9162 section 2.1.1,
 * which splits at the largest power of two.
 */
export function merkleRoot(crypto: Sha256, leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) level = parentsOf(crypto, level);
  const [root] = level;
  assert(root !== undefined, "a Merkle tree has at least one leaf");
  return root;
}

/** Whether `leaves` are just those that `root` commits to. */
export function leavesMatchRoot(
  crypto: Sha256,
  leaves: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  return leaves.length > 0 && equalBytes(merkleRoot(crypto, leaves), root);
}

function parentsOf(crypto: Sha256, level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const left = level[index];
    const right = level[index + 1];
    assert(left !== undefined, "a pair has a left node");
    parents.push(right === undefined ? left : nodeHash(crypto, left, right));
  }
  return parents;
}
