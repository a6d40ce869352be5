import type { RtmpMessage } from "./message.ts";

const FULL_HEADER_BYTES = 11;
/** A 24-bit timestamp of this value says that 32 bits follow (RTMP 1.0 section 5.3.1.3). */
const EXTENDED = 0xff_ff_ff;

/**
 * The chunks of one message: a full header (fmt 0) first, then bare ones (fmt 3).
 * `chunkStream` is 2..63, so that the basic header is one byte.
 */
export function encodeChunks(
  message: RtmpMessage,
  chunkStream: number,
  chunkBytes: number,
): Uint8Array {
  const { payload, timestampMs } = message;
  const extendedBytes = timestampMs >= EXTENDED ? 4 : 0;
  const chunks = Math.max(1, Math.ceil(payload.length / chunkBytes));
  const bytes = new Uint8Array(FULL_HEADER_BYTES + chunks * (1 + extendedBytes) + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = chunkStream;
  writeUint24(view, 1, Math.min(timestampMs, EXTENDED));
  writeUint24(view, 4, payload.length);
  view.setUint8(7, message.type);
  view.setUint32(8, message.messageStream, true);
  let at = 1 + FULL_HEADER_BYTES;
  for (let start = 0; start === 0 || start < payload.length; start += chunkBytes) {
    if (start > 0) bytes[at++] = 0xc0 | chunkStream;
    if (extendedBytes > 0) view.setUint32(at, timestampMs);
    at += extendedBytes;
    const piece = payload.subarray(start, start + chunkBytes);
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function writeUint24(view: DataView, at: number, value: number): void {
  view.setUint8(at, value >>> 16);
  view.setUint16(at + 1, value & 0xff_ff);
}
