import {
  browserCrypto,
  concatBytes,
  JOIN_WORK_SCRYPT,
  type JoinWork,
  joinWorkInput,
} from "../core/index.ts";

const { N, r, dkLen } = JOIN_WORK_SCRYPT;
const SALSA_WORDS = 16;
/** A block of scrypt in words of 32 bits. */
const WORDS = 2 * SALSA_WORDS * r;
const HMAC_BLOCK_BYTES = 64;
const SHA256_BYTES = 32;
const SALSA_ROUNDS = 8;
const memory = new Uint32Array(N * WORDS);

/**
 * The scrypt (RFC 7914) of one try at a puzzle, p = 1. That of @noble is the same; with PBKDF2 and HMAC it takes
 * 2 kB more of what every viewer loads.
 */
export function joinHash(answer: JoinWork): Uint8Array {
  const { password, salt } = joinWorkInput(answer);
  const bytes = stretched(password, salt, WORDS * 4);
  const view = new DataView(bytes.buffer);
  const block = new Uint32Array(WORDS);
  for (let at = 0; at < WORDS; at++) block[at] = view.getUint32(at * 4, true);
  mix(block);
  for (let at = 0; at < WORDS; at++) view.setUint32(at * 4, block[at] ?? 0, true);
  return stretched(password, bytes, dkLen);
}

/** PBKDF2 with HMAC-SHA256 and one iteration (RFC 8018 section 5.2). */
function stretched(
  password: Uint8Array,
  salt: Uint8Array,
  byteLength: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  for (let at = 0; at < byteLength; at += SHA256_BYTES) {
    const index = new Uint8Array(4);
    new DataView(index.buffer).setUint32(0, at / SHA256_BYTES + 1);
    bytes.set(hmac(password, concatBytes(salt, index)), at);
  }
  return bytes;
}

/** HMAC-SHA256 (RFC 2104). */
function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const { sha256 } = browserCrypto;
  const short = key.length > HMAC_BLOCK_BYTES ? sha256(key) : key;
  const pad = (value: number): Uint8Array =>
    Uint8Array.from({ length: HMAC_BLOCK_BYTES }, (_, at) => (short[at] ?? 0) ^ value);
  return sha256(pad(0x5c), sha256(pad(0x36), message));
}

/** scryptROMix (section 5), in place. */
function mix(block: Uint32Array): void {
  const other = new Uint32Array(WORDS);
  for (let at = 0; at < N; at++) {
    memory.set(block, at * WORDS);
    mixBlock(block, other);
  }
  for (let at = 0; at < N; at++) {
    const from = ((block[WORDS - SALSA_WORDS] ?? 0) & (N - 1)) * WORDS;
    for (let word = 0; word < WORDS; word++)
      block[word] = (block[word] ?? 0) ^ (memory[from + word] ?? 0);
    mixBlock(block, other);
  }
}

/** scryptBlockMix (section 4), in place: even parts to the first half, odd ones to the second. */
function mixBlock(block: Uint32Array, other: Uint32Array): void {
  const x = block.slice(WORDS - SALSA_WORDS);
  for (let part = 0; part < 2 * r; part++) {
    for (let at = 0; at < SALSA_WORDS; at++)
      x[at] = (x[at] ?? 0) ^ (block[part * SALSA_WORDS + at] ?? 0);
    salsa(x);
    other.set(x, ((part >> 1) + (part & 1) * r) * SALSA_WORDS);
  }
  block.set(other);
}

/** Salsa20/8 (section 3), in place. Unrolled: words in an array would take twice the time. */
function salsa(x: Uint32Array): void {
  let x0 = x[0] as number;
  let x1 = x[1] as number;
  let x2 = x[2] as number;
  let x3 = x[3] as number;
  let x4 = x[4] as number;
  let x5 = x[5] as number;
  let x6 = x[6] as number;
  let x7 = x[7] as number;
  let x8 = x[8] as number;
  let x9 = x[9] as number;
  let x10 = x[10] as number;
  let x11 = x[11] as number;
  let x12 = x[12] as number;
  let x13 = x[13] as number;
  let x14 = x[14] as number;
  let x15 = x[15] as number;
  for (let round = 0; round < SALSA_ROUNDS; round += 2) {
    x4 ^= turned(x0 + x12, 7);
    x8 ^= turned(x4 + x0, 9);
    x12 ^= turned(x8 + x4, 13);
    x0 ^= turned(x12 + x8, 18);
    x9 ^= turned(x5 + x1, 7);
    x13 ^= turned(x9 + x5, 9);
    x1 ^= turned(x13 + x9, 13);
    x5 ^= turned(x1 + x13, 18);
    x14 ^= turned(x10 + x6, 7);
    x2 ^= turned(x14 + x10, 9);
    x6 ^= turned(x2 + x14, 13);
    x10 ^= turned(x6 + x2, 18);
    x3 ^= turned(x15 + x11, 7);
    x7 ^= turned(x3 + x15, 9);
    x11 ^= turned(x7 + x3, 13);
    x15 ^= turned(x11 + x7, 18);
    x1 ^= turned(x0 + x3, 7);
    x2 ^= turned(x1 + x0, 9);
    x3 ^= turned(x2 + x1, 13);
    x0 ^= turned(x3 + x2, 18);
    x6 ^= turned(x5 + x4, 7);
    x7 ^= turned(x6 + x5, 9);
    x4 ^= turned(x7 + x6, 13);
    x5 ^= turned(x4 + x7, 18);
    x11 ^= turned(x10 + x9, 7);
    x8 ^= turned(x11 + x10, 9);
    x9 ^= turned(x8 + x11, 13);
    x10 ^= turned(x9 + x8, 18);
    x12 ^= turned(x15 + x14, 7);
    x13 ^= turned(x12 + x15, 9);
    x14 ^= turned(x13 + x12, 13);
    x15 ^= turned(x14 + x13, 18);
  }
  x[0] = (x[0] as number) + x0;
  x[1] = (x[1] as number) + x1;
  x[2] = (x[2] as number) + x2;
  x[3] = (x[3] as number) + x3;
  x[4] = (x[4] as number) + x4;
  x[5] = (x[5] as number) + x5;
  x[6] = (x[6] as number) + x6;
  x[7] = (x[7] as number) + x7;
  x[8] = (x[8] as number) + x8;
  x[9] = (x[9] as number) + x9;
  x[10] = (x[10] as number) + x10;
  x[11] = (x[11] as number) + x11;
  x[12] = (x[12] as number) + x12;
  x[13] = (x[13] as number) + x13;
  x[14] = (x[14] as number) + x14;
  x[15] = (x[15] as number) + x15;
}

function turned(sum: number, bits: number): number {
  return (sum << bits) | ((sum | 0) >>> (32 - bits));
}
