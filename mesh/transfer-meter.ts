import type { InstantMs } from "../core/index.ts";

/** Symbols beyond this share of K say nothing: the last ones may be late and pulled. */
const MOST_SHARE = 0.75;

/**
 * How long the symbols of a block take on their way, by the pace of most of them. What was waited for before
 * the first one, and late ones at the end, do not tell how much the line carries.
 */
export class TransferMeter {
  readonly #k: number;
  readonly #most: number;
  #count = 0;
  #firstAt = 0;
  #mostAt = 0;

  /** Of a block of `k` source symbols. */
  constructor(k: number) {
    this.#k = k;
    this.#most = Math.ceil(MOST_SHARE * k);
  }

  /** Notes a symbol that was of use. */
  arrived(now: InstantMs): void {
    if (this.#count === 0) this.#firstAt = now;
    this.#count++;
    if (this.#count === this.#most) this.#mostAt = now;
  }

  /** For all K symbols, milliseconds; undefined when too few came. */
  get durationMs(): number | undefined {
    if (this.#count < this.#most || this.#most < 2) return undefined;
    return ((this.#mostAt - this.#firstAt) * this.#k) / (this.#most - 1);
  }
}
