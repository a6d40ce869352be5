// AssemblyScript: SHA-256 of four messages of equal length at once, a lane each (FIPS 180-4, section 6.2).
// bench:hash measures it against what Starling uses; docs/adr/0006-hashing.md says why it is not shipped.

/** The constants of the rounds, 64 words; filled in by the caller. */
const CONSTANTS: usize = 0x100;
/** Eight vectors: a word of all four messages each; filled in by the caller. */
const STATE: usize = 0x200;
const SCHEDULE: usize = 0x400;

@inline
function rotated(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

@inline
function sum(x: v128, a: i32, b: i32, c: i32): v128 {
  return v128.xor(v128.xor(rotated(x, a), rotated(x, b)), rotated(x, c));
}

@inline
function sigma(x: v128, a: i32, b: i32, shift: i32): v128 {
  return v128.xor(v128.xor(rotated(x, a), rotated(x, b)), i32x4.shr_u(x, shift));
}

@inline
function first(e: v128, f: v128, g: v128, h: v128, word: v128): v128 {
  const choice = v128.bitselect(f, g, e);
  return i32x4.add(i32x4.add(h, word), i32x4.add(choice, sum(e, 6, 11, 25)));
}

@inline
function second(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(sum(a, 2, 13, 22), v128.bitselect(c, b, v128.xor(a, b)));
}

/** A word of the schedule with its constant; `at` is the constant's place. */
@inline
function word(at: usize): v128 {
  return i32x4.add(v128.load(SCHEDULE + (at << 2)), v128.load32_splat(CONSTANTS + at));
}

@inline
function bigEndian(at: usize): v128 {
  const x = v128.load(at);
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Takes `blocks` blocks of 64 bytes of the messages at `messages`, `stride` bytes apart, into the state. */
export function hashLanes(messages: usize, stride: usize, blocks: usize): void {
  for (let block = messages; block < messages + (blocks << 6); block += 64) {
    for (let at: usize = 0; at < 64; at += 16) transpose(block + at, stride, SCHEDULE + (at << 2));
    for (let at = SCHEDULE + 256; at < SCHEDULE + 1024; at += 16) {
      const low = i32x4.add(v128.load(at - 256), sigma(v128.load(at - 240), 7, 18, 3));
      const high = i32x4.add(v128.load(at - 112), sigma(v128.load(at - 32), 17, 19, 10));
      v128.store(at, i32x4.add(low, high));
    }
    let a = v128.load(STATE);
    let b = v128.load(STATE, 16);
    let c = v128.load(STATE, 32);
    let d = v128.load(STATE, 48);
    let e = v128.load(STATE, 64);
    let f = v128.load(STATE, 80);
    let g = v128.load(STATE, 96);
    let h = v128.load(STATE, 112);
    for (let at: usize = 0; at < 256; at += 32) {
      let t = first(e, f, g, h, word(at));
      d = i32x4.add(d, t);
      h = i32x4.add(t, second(a, b, c));
      t = first(d, e, f, g, word(at + 4));
      c = i32x4.add(c, t);
      g = i32x4.add(t, second(h, a, b));
      t = first(c, d, e, f, word(at + 8));
      b = i32x4.add(b, t);
      f = i32x4.add(t, second(g, h, a));
      t = first(b, c, d, e, word(at + 12));
      a = i32x4.add(a, t);
      e = i32x4.add(t, second(f, g, h));
      t = first(a, b, c, d, word(at + 16));
      h = i32x4.add(h, t);
      d = i32x4.add(t, second(e, f, g));
      t = first(h, a, b, c, word(at + 20));
      g = i32x4.add(g, t);
      c = i32x4.add(t, second(d, e, f));
      t = first(g, h, a, b, word(at + 24));
      f = i32x4.add(f, t);
      b = i32x4.add(t, second(c, d, e));
      t = first(f, g, h, a, word(at + 28));
      e = i32x4.add(e, t);
      a = i32x4.add(t, second(b, c, d));
    }
    v128.store(STATE, i32x4.add(v128.load(STATE, 0), a), 0);
    v128.store(STATE, i32x4.add(v128.load(STATE, 16), b), 16);
    v128.store(STATE, i32x4.add(v128.load(STATE, 32), c), 32);
    v128.store(STATE, i32x4.add(v128.load(STATE, 48), d), 48);
    v128.store(STATE, i32x4.add(v128.load(STATE, 64), e), 64);
    v128.store(STATE, i32x4.add(v128.load(STATE, 80), f), 80);
    v128.store(STATE, i32x4.add(v128.load(STATE, 96), g), 96);
    v128.store(STATE, i32x4.add(v128.load(STATE, 112), h), 112);
  }
}

/** Sixteen bytes of each message as four words of the schedule. */
@inline
function transpose(at: usize, stride: usize, to: usize): void {
  const x0 = bigEndian(at);
  const x1 = bigEndian(at + stride);
  const x2 = bigEndian(at + 2 * stride);
  const x3 = bigEndian(at + 3 * stride);
  const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5);
  const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
  const high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to, i64x2.shuffle(low01, low23, 1, 3), 16);
  v128.store(to, i64x2.shuffle(high01, high23, 0, 2), 32);
  v128.store(to, i64x2.shuffle(high01, high23, 1, 3), 48);
}
