import { type Random, SYMBOLS_MAX } from "../../core/index.ts";

const NONE: readonly number[] = [];
const WORDS: number = SYMBOLS_MAX / 32;

/** Some of a block's ESIs. */
export class EsiSet {
  readonly #words = new Uint32Array(WORDS);
  size = 0;

  has(esi: number): boolean {
    return (((this.#words[esi >>> 5] ?? 0) >>> (esi & 31)) & 1) === 1;
  }

  add(esi: number): void {
    if (this.has(esi)) return;
    this.#words[esi >>> 5] = (this.#words[esi >>> 5] ?? 0) | (1 << (esi & 31));
    this.size++;
  }

  delete(esi: number): void {
    if (!this.has(esi)) return;
    this.#words[esi >>> 5] = (this.#words[esi >>> 5] ?? 0) & ~(1 << (esi & 31));
    this.size--;
  }

  /** Those of this set that are in none of the others. */
  without(...others: readonly (EsiSet | undefined)[]): readonly number[] {
    let esis: number[] | undefined;
    for (let word = 0; word < WORDS; word++) {
      let bits = this.#words[word] ?? 0;
      for (const other of others) if (other !== undefined) bits &= ~(other.#words[word] ?? 0);
      for (; bits !== 0; bits &= bits - 1) {
        esis ??= [];
        esis.push(word * 32 + 31 - Math.clz32(bits & -bits));
      }
    }
    return esis ?? NONE;
  }

  /** A random one of this set that is not in the other, or undefined. */
  pickWithout(other: EsiSet | undefined, random: Random): number | undefined {
    return random.pick(this.without(other));
  }
}
