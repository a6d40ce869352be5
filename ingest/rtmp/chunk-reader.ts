import { concatBytes, StarlingError } from "../../core/index.ts";
import { type ChunkHeader, type HeaderLayout, layoutOf, readHeader } from "./chunk-header.ts";
import { controlValue, MESSAGE_TYPE, type RtmpMessage } from "./message.ts";
import { PartialMessage } from "./partial-message.ts";

/** Chunk streams in use at once; encoders use four or five. */
export const CHUNK_STREAMS_MAX = 16;
/** What a publisher may ask for with Set Chunk Size; OBS asks for 4,096, ffmpeg for 60,000. */
export const CHUNK_BYTES_MAX = 0xff_ff_ff;
/** Bytes given with `push` and not read yet: one full socket buffer and a little more. */
export const UNREAD_BYTES_MAX = 1 << 20;
const CHUNK_BYTES_DEFAULT = 128;

interface ChunkStream {
  header: ChunkHeader;
  /** The message that is being put together, if any. */
  message: PartialMessage | undefined;
}

/**
 * Reads the RTMP chunk stream (RTMP 1.0 section 5.3) without IO: `push` bytes, then call `next`
 * until it gives nothing. Set Chunk Size and Abort are obeyed here and not given out.
 * Memory stays below `messageBytesMax` plus UNREAD_BYTES_MAX, whatever a client announces.
 */
export class ChunkReader {
  /** The most bytes of unfinished messages that are held: small until the publisher is known. */
  messageBytesMax: number;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkBytes = CHUNK_BYTES_DEFAULT;
  #unread: Uint8Array = new Uint8Array(0);
  #heldBytes = 0;
  /** The message whose chunk is being read, and how much of that chunk is to come. */
  #open: ChunkStream | undefined;
  #chunkBytesLeft = 0;

  constructor(messageBytesMax: number) {
    this.messageBytesMax = messageBytesMax;
  }

  /** Adds bytes. Throws StarlingError "rtmp-limit" when they are not fetched with `next`. */
  push(bytes: Uint8Array): void {
    const unreadBytes = this.#unread.length + bytes.length;
    if (unreadBytes > UNREAD_BYTES_MAX) {
      throw limit(`${unreadBytes} unread bytes (at most ${UNREAD_BYTES_MAX})`);
    }
    this.#unread = this.#unread.length === 0 ? bytes : concatBytes(this.#unread, bytes);
  }

  /**
   * The next whole message, or undefined until more bytes are pushed.
   * Throws StarlingError "rtmp-limit" or "rtmp-chunk"; the reader is of no use after that.
   */
  next(): RtmpMessage | undefined {
    for (;;) {
      if (this.#open === undefined && !this.#openChunk()) return undefined;
      const message = this.#readPayload();
      if (message === undefined && this.#unread.length === 0) return undefined;
      if (message !== undefined && !this.#obey(message)) return message;
    }
  }

  /** Reads a chunk header; false when it has not arrived whole. */
  #openChunk(): boolean {
    const layout = layoutOf(this.#unread);
    if (layout === undefined) return false;
    const stream = this.#streams.get(layout.chunkStream);
    const header = readHeader(this.#unread, layout, stream?.header, stream?.message !== undefined);
    if (header === undefined) return false;
    this.#unread = this.#unread.subarray(header.byteLength);
    this.#open = stream === undefined ? this.#addStream(layout, header) : stream;
    this.#open.header = header;
    this.#beginChunk(this.#open);
    return true;
  }

  #addStream({ chunkStream }: HeaderLayout, header: ChunkHeader): ChunkStream {
    if (this.#streams.size >= CHUNK_STREAMS_MAX) throw limit(`${CHUNK_STREAMS_MAX} chunk streams`);
    const stream: ChunkStream = { header, message: undefined };
    this.#streams.set(chunkStream, stream);
    return stream;
  }

  #beginChunk(stream: ChunkStream): void {
    const { messageBytes } = stream.header;
    if (messageBytes > this.messageBytesMax) {
      throw limit(`a message of ${messageBytes} bytes (at most ${this.messageBytesMax})`);
    }
    stream.message ??= new PartialMessage(messageBytes);
    this.#chunkBytesLeft = Math.min(this.#chunkBytes, stream.message.bytesLeft);
  }

  /** Moves what has arrived of the open chunk into its message; gives the message when whole. */
  #readPayload(): RtmpMessage | undefined {
    const stream = this.#open;
    if (stream?.message === undefined) return undefined;
    const piece = this.#unread.subarray(0, this.#chunkBytesLeft);
    this.#unread = this.#unread.subarray(piece.length);
    this.#chunkBytesLeft -= piece.length;
    this.#heldBytes += piece.length;
    if (this.#heldBytes > this.messageBytesMax) {
      throw limit(
        `${this.#heldBytes} bytes of unfinished messages (at most ${this.messageBytesMax})`,
      );
    }
    stream.message.add(piece);
    if (this.#chunkBytesLeft > 0) return undefined;
    this.#open = undefined;
    return stream.message.bytesLeft === 0 ? this.#finish(stream, stream.message) : undefined;
  }

  #finish(stream: ChunkStream, partial: PartialMessage): RtmpMessage {
    const { type, messageStream, timestampMs } = stream.header;
    const payload = partial.bytes;
    this.#drop(stream);
    return { type, messageStream, timestampMs, payload };
  }

  #drop(stream: ChunkStream): void {
    this.#heldBytes -= stream.message?.bytes.length ?? 0;
    stream.message = undefined;
  }

  /** Acts on the two messages that are about the chunk stream itself. */
  #obey({ type, payload }: RtmpMessage): boolean {
    if (type === MESSAGE_TYPE.setChunkSize) {
      const chunkBytes = controlValue(payload);
      if (chunkBytes < 1 || chunkBytes > CHUNK_BYTES_MAX) {
        throw limit(`a chunk size of ${chunkBytes} bytes (1..${CHUNK_BYTES_MAX})`);
      }
      this.#chunkBytes = chunkBytes;
      return true;
    }
    if (type === MESSAGE_TYPE.abort) {
      const stream = this.#streams.get(controlValue(payload));
      if (stream !== undefined) this.#drop(stream);
      return true;
    }
    return false;
  }
}

function limit(what: string): StarlingError {
  return new StarlingError(
    "rtmp-limit",
    `The publisher goes beyond a limit: ${what}. Its RTMP stream is damaged, or it is no encoder.`,
  );
}
