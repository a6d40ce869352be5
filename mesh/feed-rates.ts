import type { Manifest } from "../core/index.ts";

/** How much a new block counts in the mean. */
const GAIN = 0.1;

/** The mean media rate of each rendition, as its manifests tell. */
export class FeedRates {
  readonly #rates = new Map<number, number>();

  /** Notes a block that is new. */
  add({ block, byteLength, durationMs }: Manifest): void {
    if (durationMs <= 0) return;
    const rate = (byteLength / durationMs) * 1000;
    const known = this.#rates.get(block.rendition);
    this.#rates.set(block.rendition, known === undefined ? rate : known + GAIN * (rate - known));
  }

  /** Forgets a rendition. */
  forget(rendition: number): void {
    this.#rates.delete(rendition);
  }

  /** Whether a rendition has had a block. */
  has(rendition: number): boolean {
    return this.#rates.has(rendition);
  }

  /** Bytes a second of a rendition; of one that has had no block those of the mean one. */
  of(rendition: number): number {
    return this.#rates.get(rendition) ?? this.bytesPerS;
  }

  /** Bytes a second of the mean rendition, 0 before the first block. */
  get bytesPerS(): number {
    let sum = 0;
    for (const rate of this.#rates.values()) sum += rate;
    return this.#rates.size === 0 ? 0 : sum / this.#rates.size;
  }
}
