import { hash } from "node:crypto";
import {
  assert,
  type FecKernel,
  type FecParameters,
  SHA256_BYTES,
  SYMBOL_BYTES_MAX,
  symbolOf,
} from "../core/index.ts";

/** A block in memory: its bytes, and zeros up to a whole number of symbols. */
export interface PaddedBlock {
  /** k * symbolBytes bytes. */
  readonly padded: Uint8Array;
  readonly byteLength: number;
  readonly fec: FecParameters;
}

/** What the encoder adds to a block. */
export interface BlockCoding {
  /** SHA-256 of the block's bytes, base64url. */
  readonly sha256: string;
  /** The n - k repair symbols, one after the other. */
  readonly repair: Uint8Array;
  /** The n leaf hashes in ESI order, one after the other (RFC 9162 section 2.1.1). */
  readonly leaves: Uint8Array;
}

/** Codes a block. The same bytes and parameters give the same result, whatever the kernel. */
export function codeBlock(
  { padded, byteLength, fec }: PaddedBlock,
  kernel: FecKernel,
): BlockCoding {
  assert(padded.length === fec.k * fec.symbolBytes, "a block is padded to whole symbols");
  const bytes = padded.subarray(0, byteLength);
  const repair = kernel.encode(padded, fec);
  const leaves = new Uint8Array(fec.n * SHA256_BYTES);
  for (let esi = 0; esi < fec.n; esi++) {
    leaves.set(leafHashOf(symbolOf(fec, bytes, repair, esi)), esi * SHA256_BYTES);
  }
  return { sha256: hash("sha256", bytes, "base64url"), repair, leaves };
}

/** The leaf prefix 0x00 and room for a symbol: one-shot hashing wants them in one piece. */
const leaf = new Uint8Array(1 + SYMBOL_BYTES_MAX);

function leafHashOf(symbol: Uint8Array): Uint8Array {
  leaf.set(symbol, 1);
  return hash("sha256", leaf.subarray(0, 1 + symbol.length), "buffer");
}
