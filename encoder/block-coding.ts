import { hash } from "node:crypto";
import {
  chooseFec,
  type FecKernel,
  type FecParameters,
  type FecPolicy,
  SHA256_BYTES,
  SYMBOL_BYTES_MAX,
  symbolOf,
} from "../core/index.ts";

/** A block as peers get it, without the source symbols: those are its own bytes. */
export interface CodedSegment {
  readonly fec: FecParameters;
  /** SHA-256 of the block's bytes, base64url. */
  readonly sha256: string;
  /** The n - k repair symbols, one after the other. */
  readonly repair: Uint8Array;
  /** The n leaf hashes in ESI order, one after the other (RFC 9162 section 2.1.1). */
  readonly leaves: Uint8Array;
}

/** Codes a block. The same bytes, policy and code give the same result, whatever the kernel. */
export function codeBlock(bytes: Uint8Array, policy: FecPolicy, kernel: FecKernel): CodedSegment {
  const fec = chooseFec(bytes.length, policy);
  const repair = kernel.encode(bytes, fec);
  const leaves = new Uint8Array(fec.n * SHA256_BYTES);
  for (let esi = 0; esi < fec.n; esi++) {
    leaves.set(leafHashOf(symbolOf(fec, bytes, repair, esi)), esi * SHA256_BYTES);
  }
  return { fec, sha256: hash("sha256", bytes, "base64url"), repair, leaves };
}

/** The leaf prefix 0x00 and room for a symbol: one-shot hashing wants them in one piece. */
const leaf = new Uint8Array(1 + SYMBOL_BYTES_MAX);

function leafHashOf(symbol: Uint8Array): Uint8Array {
  leaf.set(symbol, 1);
  return hash("sha256", leaf.subarray(0, 1 + symbol.length), "buffer");
}
