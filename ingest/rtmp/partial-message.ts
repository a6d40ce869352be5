/** Memory is taken in steps of at least this much, as payload arrives, never as announced. */
const GROWTH_BYTES_MIN = 4096;

/** A message that is being put together from its chunks. */
export class PartialMessage {
  readonly #messageBytes: number;
  #buffer: Uint8Array;
  #filledBytes = 0;

  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes;
    this.#buffer = new Uint8Array(Math.min(messageBytes, GROWTH_BYTES_MIN));
  }

  /** How much is to come. */
  get bytesLeft(): number {
    return this.#messageBytes - this.#filledBytes;
  }

  /** What has arrived. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#filledBytes);
  }

  /** Copies the next piece, which is no longer than `bytesLeft`. */
  add(piece: Uint8Array): void {
    const filledBytes = this.#filledBytes + piece.length;
    if (filledBytes > this.#buffer.length) {
      const bytes = new Uint8Array(
        Math.min(this.#messageBytes, Math.max(filledBytes, 2 * this.#buffer.length)),
      );
      bytes.set(this.#buffer.subarray(0, this.#filledBytes));
      this.#buffer = bytes;
    }
    this.#buffer.set(piece, this.#filledBytes);
    this.#filledBytes = filledBytes;
  }
}
