import { StarlingError } from "../../core/index.ts";
import type { PeerSegment } from "./segment-order.ts";

const WAITING_MAX = 256;

/** Hands segments to their taker one at a time, in order. */
export class SegmentDelivery {
  readonly #take: (segment: PeerSegment) => void | Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isBroken = false;

  /** `onFailure` hears once of a taker that throws or falls behind; nothing is delivered after it. */
  constructor(
    take: (segment: PeerSegment) => void | Promise<void>,
    onFailure: (error: unknown) => void,
  ) {
    this.#take = take;
    this.#onFailure = onFailure;
  }

  put(segment: PeerSegment): void {
    if (this.#waiting >= WAITING_MAX) {
      this.#fail(
        new StarlingError(
          "segments-not-taken",
          `${WAITING_MAX} segments wait to be written: the output is slower than the stream.`,
        ),
      );
    }
    if (this.#isBroken) return;
    this.#waiting++;
    this.#last = this.#last.then(() => this.#deliver(segment));
  }

  /** When all that was put has been taken. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #deliver(segment: PeerSegment): Promise<void> {
    this.#waiting--;
    if (this.#isBroken) return;
    try {
      await this.#take(segment);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#onFailure(error);
  }
}
