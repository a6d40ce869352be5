import { StarlingError } from "../../core/index.ts";

/** A 24-bit timestamp of this value says that 32 bits follow (RTMP 1.0 section 5.3.1.3). */
const EXTENDED = 0xff_ff_ff;
/** Message header bytes by fmt (sections 5.3.1.2.1 to 5.3.1.2.4). */
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const;
const CONTINUATION = 3;

/** What the basic header says (section 5.3.1.1). */
export interface HeaderLayout {
  readonly fmt: number;
  /** 2..65,599. */
  readonly chunkStream: number;
  /** Bytes of the basic header itself, 1..3. */
  readonly basicBytes: number;
}

/** A chunk header with everything that it inherits filled in. */
export interface ChunkHeader {
  /** Bytes that this header takes, all parts. */
  readonly byteLength: number;
  /** The timestamp field as sent, before any extension: what a later fmt 3 repeats. */
  readonly timestampField: number;
  /** Milliseconds modulo 2^32. */
  readonly timestampMs: number;
  readonly messageBytes: number;
  readonly type: number;
  readonly messageStream: number;
}

const NOTHING: ChunkHeader = {
  byteLength: 0,
  timestampField: 0,
  timestampMs: 0,
  messageBytes: 0,
  type: 0,
  messageStream: 0,
};

/** Reads the basic header, or gives undefined until it has arrived. */
export function layoutOf(bytes: Uint8Array): HeaderLayout | undefined {
  const [first, second, third] = bytes;
  if (first === undefined) return undefined;
  const fmt = first >>> 6;
  const low = first & 0x3f;
  if (low >= 2) return { fmt, chunkStream: low, basicBytes: 1 };
  if (second === undefined) return undefined;
  if (low === 0) return { fmt, chunkStream: 64 + second, basicBytes: 2 };
  if (third === undefined) return undefined;
  return { fmt, chunkStream: 64 + second + 256 * third, basicBytes: 3 };
}

/**
 * Reads a whole chunk header, or gives undefined until it has arrived. `previous` is the last
 * header of the same chunk stream; `continues` says that its message is not complete yet.
 * Throws StarlingError "rtmp-chunk" for a chunk that inherits from nothing, or that begins a
 * message in the middle of another one.
 */
export function readHeader(
  bytes: Uint8Array,
  layout: HeaderLayout,
  previous: ChunkHeader | undefined,
  continues: boolean,
): ChunkHeader | undefined {
  const { fmt, basicBytes } = layout;
  checkOrder(fmt, previous, continues);
  const fixedBytes = basicBytes + (MESSAGE_HEADER_BYTES[fmt] ?? 0);
  if (bytes.length < fixedBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const inherited = previous ?? NOTHING;
  const timestampField = fmt === CONTINUATION ? inherited.timestampField : uint24(view, basicBytes);
  const byteLength = fixedBytes + (timestampField === EXTENDED ? 4 : 0);
  if (bytes.length < byteLength) return undefined;
  const value = timestampField === EXTENDED ? view.getUint32(fixedBytes) : timestampField;
  return {
    byteLength,
    timestampField,
    timestampMs: timestampOf(fmt, value, inherited, continues),
    messageBytes: fmt <= 1 ? uint24(view, basicBytes + 3) : inherited.messageBytes,
    type: fmt <= 1 ? view.getUint8(basicBytes + 6) : inherited.type,
    messageStream: fmt === 0 ? view.getUint32(basicBytes + 7, true) : inherited.messageStream,
  };
}

function checkOrder(fmt: number, previous: ChunkHeader | undefined, continues: boolean): void {
  if (fmt > 0 && previous === undefined) {
    throw new StarlingError("rtmp-chunk", "The first chunk of a chunk stream has no full header.");
  }
  if (fmt !== CONTINUATION && continues) {
    throw new StarlingError("rtmp-chunk", "A message begins in the middle of another one.");
  }
}

/** A fmt 3 that begins a message repeats the delta, or the first timestamp (section 5.3.1.2.4). */
function timestampOf(
  fmt: number,
  value: number,
  previous: ChunkHeader,
  continues: boolean,
): number {
  if (fmt === 0) return value;
  return continues ? previous.timestampMs : (previous.timestampMs + value) >>> 0;
}

function uint24(view: DataView, at: number): number {
  return (view.getUint8(at) << 16) | view.getUint16(at + 1);
}
