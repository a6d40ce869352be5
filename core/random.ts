import { assert } from "./errors.ts";

/**
 * A seeded pseudo-random generator, the same in every run and on every machine: xoshiro128**
 * (Blackman and Vigna, 2018), its state filled by splitmix32. Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` is any integer; its low 53 bits count. */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed), "a seed is a whole number");
    let state = seed ^ Math.floor(seed / 2 ** 32);
    const next = () => {
      state = (state + 0x9e_37_79_b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21_f0_aa_ad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x73_5a_2d_97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1; // A state of zeros only would stay so.
  }

  /** A whole number of 0..2^32-1. */
  u32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number of [0, 1), a multiple of 2^-32. */
  next(): number {
    return this.u32() / 2 ** 32;
  }

  /** A whole number of 0..`bound`-1; `bound` is 1..2^32. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** One of `items`, or undefined if there is none. */
  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.below(items.length)];
  }

  /** Puts `items` into a random order, in place (Fisher-Yates), and gives them back. */
  shuffle<Item>(items: Item[]): Item[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [items[at], items[other]] = [items[other] as Item, items[at] as Item];
    }
    return items;
  }
}
