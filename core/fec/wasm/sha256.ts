import { CONSTANTS, MESSAGE, SCHEDULE, STATE } from "./layout";

// SHA-256 of one message (FIPS 180-4, section 6.2). The schedule is made four words at a time, and only
// the rounds, each of which needs the one before, are scalar.

/** Takes the `blocks` blocks of 64 bytes at `MESSAGE` into the state. */
export function hash(blocks: usize): void {
  const end = MESSAGE + (blocks << 6);
  for (let block = MESSAGE; block < end; block += 64) {
    schedule(block);
    rounds();
  }
}

/** The 64 words of the schedule, each with its constant added already. */
function schedule(block: usize): void {
  const zero = i64x2.splat(0);
  let w0 = bigEndian(block);
  let w4 = bigEndian(block + 16);
  let w8 = bigEndian(block + 32);
  let w12 = bigEndian(block + 48);
  for (let at: usize = 0; at < 256; at += 16) {
    v128.store(SCHEDULE + at, i32x4.add(w0, v128.load(CONSTANTS + at)));
    const w1 = i32x4.shuffle(w0, w4, 1, 2, 3, 4);
    const w9 = i32x4.shuffle(w8, w12, 1, 2, 3, 4);
    let w16 = i32x4.add(i32x4.add(w0, w9), sigma(w1, 7, 18, 3));
    // Two words come from the last two, and the next two from those.
    w16 = i32x4.add(w16, sigma(i32x4.shuffle(w12, zero, 2, 3, 4, 4), 17, 19, 10));
    w16 = i32x4.add(w16, sigma(i32x4.shuffle(zero, w16, 0, 0, 4, 5), 17, 19, 10));
    w0 = w4;
    w4 = w8;
    w8 = w12;
    w12 = w16;
  }
}

@inline
function bigEndian(at: usize): v128 {
  const x = v128.load(at);
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

@inline
function sigma(x: v128, a: i32, b: i32, shift: i32): v128 {
  return v128.xor(v128.xor(rotated(x, a), rotated(x, b)), i32x4.shr_u(x, shift));
}

@inline
function rotated(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

function rounds(): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  // After eight rounds each value is back under its own name.
  for (let at = SCHEDULE; at < SCHEDULE + 256; at += 32) {
    let t = first(e, f, g, h, load<u32>(at));
    d += t;
    h = t + second(a, b, c);
    t = first(d, e, f, g, load<u32>(at, 4));
    c += t;
    g = t + second(h, a, b);
    t = first(c, d, e, f, load<u32>(at, 8));
    b += t;
    f = t + second(g, h, a);
    t = first(b, c, d, e, load<u32>(at, 12));
    a += t;
    e = t + second(f, g, h);
    t = first(a, b, c, d, load<u32>(at, 16));
    h += t;
    d = t + second(e, f, g);
    t = first(h, a, b, c, load<u32>(at, 20));
    g += t;
    c = t + second(d, e, f);
    t = first(g, h, a, b, load<u32>(at, 24));
    f += t;
    b = t + second(c, d, e);
    t = first(f, g, h, a, load<u32>(at, 28));
    e += t;
    a = t + second(b, c, d);
  }
  add(0, a);
  add(4, b);
  add(8, c);
  add(12, d);
  add(16, e);
  add(20, f);
  add(24, g);
  add(28, h);
}

/** T1 of a round. */
@inline
function first(e: u32, f: u32, g: u32, h: u32, word: u32): u32 {
  const choice = g ^ (e & (f ^ g));
  return h + word + choice + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25));
}

/** T2 of a round. */
@inline
function second(a: u32, b: u32, c: u32): u32 {
  const majority = (a & b) | (c & (a | b));
  return (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + majority;
}

function add(at: usize, value: u32): void {
  store<u32>(STATE + at, load<u32>(STATE + at) + value);
}
