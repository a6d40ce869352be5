import { StarlingError } from "./errors.ts";

/** Reads big-endian fields from bytes. Throws StarlingError "wire-malformed" past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  /** The next `length` bytes as ASCII text. */
  ascii(length: number): string {
    const bytes = this.bytes(length);
    if (bytes.some((byte) => byte >= 0x80)) {
      throw new StarlingError("wire-malformed", "Expected ASCII text.");
    }
    return String.fromCharCode(...bytes);
  }

  /** Throws StarlingError "wire-malformed" when bytes are left over. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new StarlingError("wire-malformed", `${left} bytes too many.`);
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) {
      throw new StarlingError("wire-malformed", "The message ends too early.");
    }
    this.#at = start + length;
    return start;
  }
}
