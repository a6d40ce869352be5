import { hash } from "node:crypto";
import { MerkleTree } from "merkletreejs";
import { assert, SHA256_BYTES } from "../core/index.ts";

/** The node prefix of RFC 9162 section 2.1.1 and room for two children. */
const node = Buffer.alloc(1 + 2 * SHA256_BYTES, 0x01);

/** merkletreejs gives us the two children end to end. */
function nodeHashOf(children: Buffer): Buffer {
  assert(children.length === 2 * SHA256_BYTES, "an inner node has two children");
  node.set(children, 1);
  return hash("sha256", node, "buffer");
}

/**
 * The tree over leaf hashes (32 bytes each, in ESI order; the leaf prefix is in them already).
 * merkletreejs hashes leaves and nodes alike by default; with the node prefix in the hash function,
 * unhashed leaves and odd nodes promoted as they are, its tree is that of RFC 9162.
 */
export function merkleTreeOf(leaves: readonly Uint8Array[]): MerkleTree {
  assert(leaves.length > 0, "a Merkle tree has at least one leaf");
  return new MerkleTree(leaves.map(asBuffer), nodeHashOf, {
    hashLeaves: false,
    duplicateOdd: false,
    sort: false,
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
