import { concatBytes, StarlingError } from "../core/index.ts";
import { FLV_TAG, type FlvTag } from "./flv.ts";

const FILE_HEADER_BYTES = 9;
const TAG_SIZE_BYTES = 4;
const TAG_HEADER_BYTES = 11;
/** The largest tag: a key frame of a very good picture, as over RTMP. */
export const FLV_TAG_BYTES_MAX = 8 << 20;

/**
 * Reads an FLV stream (annex E) as it comes: `push` bytes, then call `next` until it gives nothing.
 * Memory stays below one tag and what is pushed at once.
 */
export class FlvReader {
  #unread: Uint8Array = new Uint8Array(0);
  #skippedBytes = FILE_HEADER_BYTES + TAG_SIZE_BYTES;

  push(bytes: Uint8Array): void {
    this.#unread = this.#unread.length === 0 ? bytes : concatBytes(this.#unread, bytes);
  }

  /** The next whole tag, or undefined until more bytes are pushed. Throws StarlingError "flv-limit". */
  next(): FlvTag | undefined {
    for (;;) {
      const skipped = Math.min(this.#skippedBytes, this.#unread.length);
      this.#unread = this.#unread.subarray(skipped);
      this.#skippedBytes -= skipped;
      if (this.#skippedBytes > 0 || this.#unread.length < TAG_HEADER_BYTES) return undefined;
      const byteLength = uint24(this.#unread, 1);
      if (byteLength > FLV_TAG_BYTES_MAX) {
        throw new StarlingError("flv-limit", `An FLV tag of ${byteLength} bytes is no picture.`);
      }
      const end = TAG_HEADER_BYTES + byteLength;
      if (this.#unread.length < end) return undefined;
      const type = (this.#unread[0] ?? 0) & 0x1f;
      const timestampMs = (((this.#unread[7] ?? 0) << 24) | uint24(this.#unread, 4)) >>> 0;
      const payload = this.#unread.slice(TAG_HEADER_BYTES, end);
      this.#unread = this.#unread.subarray(end);
      this.#skippedBytes = TAG_SIZE_BYTES;
      if (isKnown(type)) return { type, timestampMs, payload };
    }
  }
}

function isKnown(type: number): type is FlvTag["type"] {
  return Object.values<number>(FLV_TAG).includes(type);
}

function uint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}
