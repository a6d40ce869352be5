import type { KernelExports } from "./wasm-instance.ts";
import { BLOCK, CONSTANTS, MESSAGE, STATE } from "./wasm-layout.ts";

const WORD_BYTES = 4;
const STATE_WORDS = 8;
const ROUNDS = 64;
const BLOCK_BYTES = 64;
/** The end of a message: a one bit, and its length in bits as 64 bits. */
const PADDING_BYTES_MIN = 9;
/** Bytes of a message that are hashed in one call; the padding always finds one block more. */
const PIECE_BYTES = BLOCK - MESSAGE - BLOCK_BYTES;
/** Bytes whose bits overflow 32 bits. */
const LENGTH_HIGH_UNIT = 2 ** 29;

/** SHA-256 (FIPS 180-4) of the concatenation of `parts`: 32 bytes. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/** SHA-256 in an instance's memory, apart from what coding uses of it. */
export function sha256On({ memory, hash }: KernelExports): Sha256 {
  const bytes = new Uint8Array(memory.buffer, MESSAGE, PIECE_BYTES + BLOCK_BYTES);
  const words = new DataView(memory.buffer);
  const initialState = rootFractions(STATE_WORDS, Math.sqrt);
  place(words, CONSTANTS, rootFractions(ROUNDS, Math.cbrt));

  /** Takes `parts` into the state, all but a last piece; gives the length of that. */
  function takePieces(parts: readonly Uint8Array[]): number {
    let used = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length; ) {
        const piece = part.subarray(at, at + PIECE_BYTES - used);
        bytes.set(piece, used);
        at += piece.length;
        used += piece.length;
        if (used < PIECE_BYTES) continue;
        hash(PIECE_BYTES / BLOCK_BYTES);
        used = 0;
      }
    }
    return used;
  }

  return (...parts) => {
    place(words, STATE, initialState);
    const used = takePieces(parts);
    const byteLength = parts.reduce((sum, part) => sum + part.length, 0);
    const blocks = Math.ceil((used + PADDING_BYTES_MIN) / BLOCK_BYTES);
    const end = blocks * BLOCK_BYTES;
    bytes.fill(0, used, end);
    bytes[used] = 0x80;
    words.setUint32(MESSAGE + end - 8, Math.floor(byteLength / LENGTH_HIGH_UNIT));
    words.setUint32(MESSAGE + end - 4, byteLength * 8);
    hash(blocks);
    return digestOf(words);
  };
}

/** The state, whose words the kernel keeps in its own byte order, in that of the digest. */
function digestOf(words: DataView): Uint8Array {
  const digest = new DataView(new ArrayBuffer(STATE_WORDS * WORD_BYTES));
  for (let at = 0; at < digest.byteLength; at += WORD_BYTES) {
    digest.setUint32(at, words.getUint32(STATE + at, true));
  }
  return new Uint8Array(digest.buffer);
}

function place(words: DataView, address: number, values: readonly number[]): void {
  for (const [index, value] of values.entries()) {
    words.setUint32(address + index * WORD_BYTES, value, true);
  }
}

/** The first 32 bits of the fractions of roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function rootFractions(count: number, root: (prime: number) => number): number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < count; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32));
}
