import type { BlockId } from "./block-id.ts";
import { ByteReader } from "./byte-reader.ts";
import { concatBytes, utf8 } from "./bytes.ts";
import { SHA256_BYTES, SIGNATURE_BYTES } from "./crypto.ts";
import { assert, StarlingError } from "./errors.ts";
import { SYMBOLS_MAX } from "./fec/parameters.ts";
import { JWS_LENGTH_MAX } from "./jws.ts";

/** The version of the mesh protocol that this code speaks (PROTOCOL.md). */
export const WIRE_VERSION = 1;
/** The longest message: a symbol message with the largest symbol. */
export const MESSAGE_BYTES_MAX = 65_535;
const REASON_LENGTH_MAX = 120;
const BITMAP_BYTES_MAX: number = SYMBOLS_MAX / 8;
/** rendition u8, sequence u32, part u16. */
const BLOCK_BYTES = 7;

/** One message of the mesh (PROTOCOL.md, "Messages"). One data-channel message carries just one. */
export type Message =
  | {
      readonly type: "hello";
      readonly version: number;
      readonly token: string;
      /** Ed25519 signature over helloProofMessage, 64 bytes. */
      readonly proof: Uint8Array;
    }
  | {
      readonly type: "manifest";
      readonly jws: string;
      /** All N leaf hashes in ESI order. */
      readonly leaves: readonly Uint8Array[];
    }
  | { readonly type: "have"; readonly block: BlockId; readonly esis: readonly number[] }
  | {
      readonly type: "request";
      readonly block: BlockId;
      /** Milliseconds from arrival after which the symbols are of no more use. */
      readonly withinMs: number;
      /** Most wanted first. */
      readonly esis: readonly number[];
    }
  | {
      readonly type: "symbol";
      readonly block: BlockId;
      readonly esi: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: "cancel"; readonly block: BlockId; readonly esis: readonly number[] }
  | { readonly type: "bye"; readonly code: ByeCode; readonly reason: string }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "pong"; readonly id: number };

/** Why a peer ends a connection. */
export type ByeCode =
  | "leaving"
  | "protocol-error"
  | "refused"
  | "bad-data"
  | "silent"
  | "overloaded";

const TYPE = {
  hello: 1,
  manifest: 2,
  have: 3,
  request: 4,
  symbol: 5,
  cancel: 6,
  bye: 7,
  ping: 8,
  pong: 9,
} as const satisfies Record<Message["type"], number>;

const TYPE_NAMES = new Map<number, string>(
  Object.entries(TYPE).map(([name, code]) => [code, name]),
);

const BYE_CODES: readonly ByeCode[] = [
  "leaving",
  "protocol-error",
  "refused",
  "bad-data",
  "silent",
  "overloaded",
];

/** What a peer signs in its hello: both DTLS certificate fingerprints, its own first (32 bytes each). */
export function helloProofMessage(own: Uint8Array, other: Uint8Array): Uint8Array {
  return concatBytes(utf8("starling-hello-v1\0"), own, other);
}

/** The bytes of a message. */
export function encodeMessage(message: Message): Uint8Array {
  const bytes = concatBytes(Uint8Array.of(TYPE[message.type]), ...bodyOf(message));
  assert(bytes.length <= MESSAGE_BYTES_MAX, "a message fits into MESSAGE_BYTES_MAX");
  return bytes;
}

function bodyOf(message: Message): readonly Uint8Array[] {
  switch (message.type) {
    case "hello":
      return [u8(message.version), u16(message.token.length), utf8(message.token), message.proof];
    case "manifest":
      return [
        u16(message.jws.length),
        utf8(message.jws),
        u16(message.leaves.length),
        ...message.leaves,
      ];
    case "have":
      return [...blockOf(message.block), ...bitmapOf(message.esis)];
    case "request":
      return [...blockOf(message.block), u32(message.withinMs), ...listOf(message.esis)];
    case "symbol":
      return [...blockOf(message.block), u8(message.esi), message.bytes];
    case "cancel":
      return [...blockOf(message.block), ...listOf(message.esis)];
    case "bye":
      return [
        u8(BYE_CODES.indexOf(message.code)),
        utf8(message.reason.slice(0, REASON_LENGTH_MAX)),
      ];
    case "ping":
    case "pong":
      return [u32(message.id)];
    default:
      return message satisfies never;
  }
}

/** How many bytes `encodeMessage` would give, without making them. */
export function messageByteLength(message: Message): number {
  return 1 + bodyLengthOf(message);
}

function bodyLengthOf(message: Message): number {
  switch (message.type) {
    case "hello":
      return 3 + message.token.length + SIGNATURE_BYTES;
    case "manifest":
      return 4 + message.jws.length + message.leaves.length * SHA256_BYTES;
    case "have":
      return BLOCK_BYTES + 1 + bitmapByteLength(message.esis);
    case "request":
      return BLOCK_BYTES + 5 + message.esis.length;
    case "symbol":
      return BLOCK_BYTES + 1 + message.bytes.length;
    case "cancel":
      return BLOCK_BYTES + 1 + message.esis.length;
    case "bye":
      return 1 + Math.min(message.reason.length, REASON_LENGTH_MAX);
    case "ping":
    case "pong":
      return 4;
    default:
      return message satisfies never;
  }
}

/** Reads one message. Throws StarlingError "wire-malformed" and nothing else, on any bytes. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw new StarlingError("wire-malformed", `Longer than ${MESSAGE_BYTES_MAX} bytes.`);
  }
  const reader = new ByteReader(bytes);
  const code = reader.u8();
  const type = TYPE_NAMES.get(code) as Message["type"] | undefined;
  if (type === undefined) throw new StarlingError("wire-malformed", `Unknown type ${code}.`);
  const message = readBody(type, reader);
  reader.end();
  return message;
}

function readBody(type: Message["type"], reader: ByteReader): Message {
  switch (type) {
    case "hello":
      return {
        type,
        version: reader.u8(),
        token: readText(reader, JWS_LENGTH_MAX),
        proof: reader.bytes(SIGNATURE_BYTES),
      };
    case "manifest":
      return { type, jws: readText(reader, JWS_LENGTH_MAX), leaves: readLeaves(reader) };
    case "have":
      return { type, block: readBlock(reader), esis: readBitmap(reader) };
    case "request":
      return { type, block: readBlock(reader), withinMs: reader.u32(), esis: readList(reader) };
    case "symbol":
      return { type, block: readBlock(reader), esi: reader.u8(), bytes: reader.rest() };
    case "cancel":
      return { type, block: readBlock(reader), esis: readList(reader) };
    case "bye":
      return { type, code: readByeCode(reader), reason: readReason(reader) };
    case "ping":
    case "pong":
      return { type, id: reader.u32() };
    default:
      return type satisfies never;
  }
}

function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function blockOf({ rendition, sequence, part }: BlockId): readonly Uint8Array[] {
  return [u8(rendition), u32(sequence), u16(part)];
}

function readBlock(reader: ByteReader): BlockId {
  return { rendition: reader.u8(), sequence: reader.u32(), part: reader.u16() };
}

/** ESI e is bit 7 - e mod 8 of byte e div 8; trailing zero bytes are left out. */
function bitmapOf(esis: readonly number[]): readonly Uint8Array[] {
  const bitmap = new Uint8Array(bitmapByteLength(esis));
  for (const esi of esis) bitmap[esi >>> 3] = (bitmap[esi >>> 3] ?? 0) | (0x80 >>> (esi & 7));
  return [u8(bitmap.length), bitmap];
}

function bitmapByteLength(esis: readonly number[]): number {
  let length = 0;
  for (const esi of esis) if (esi >>> 3 >= length) length = (esi >>> 3) + 1;
  return length;
}

function readBitmap(reader: ByteReader): readonly number[] {
  const length = reader.u8();
  if (length > BITMAP_BYTES_MAX)
    throw new StarlingError("wire-malformed", "The bitmap is too long.");
  const bitmap = reader.bytes(length);
  if (length > 0 && bitmap[length - 1] === 0) {
    throw new StarlingError("wire-malformed", "The bitmap ends in a zero byte.");
  }
  const esis: number[] = [];
  for (let esi = 0; esi < length * 8; esi++) {
    if (((bitmap[esi >>> 3] ?? 0) & (0x80 >>> (esi & 7))) !== 0) esis.push(esi);
  }
  return esis;
}

function listOf(esis: readonly number[]): readonly Uint8Array[] {
  return [u8(esis.length), Uint8Array.from(esis)];
}

function readList(reader: ByteReader): readonly number[] {
  const esis = [...reader.bytes(reader.u8())];
  if (esis.length === 0 || new Set(esis).size < esis.length) {
    throw new StarlingError("wire-malformed", "Expected one or more different ESIs.");
  }
  return esis;
}

function readText(reader: ByteReader, lengthMax: number): string {
  const length = reader.u16();
  if (length <= lengthMax) return reader.ascii(length);
  throw new StarlingError("wire-malformed", `A text is longer than ${lengthMax} characters.`);
}

function readLeaves(reader: ByteReader): readonly Uint8Array[] {
  const count = reader.u16();
  if (count < 1 || count > SYMBOLS_MAX) {
    throw new StarlingError("wire-malformed", `Expected 1 to ${SYMBOLS_MAX} leaves.`);
  }
  return Array.from({ length: count }, () => reader.bytes(SHA256_BYTES));
}

function readByeCode(reader: ByteReader): ByeCode {
  const code = BYE_CODES[reader.u8()];
  if (code === undefined) throw new StarlingError("wire-malformed", "Unknown bye code.");
  return code;
}

function readReason(reader: ByteReader): string {
  const bytes = reader.rest();
  if (bytes.length > REASON_LENGTH_MAX) {
    throw new StarlingError("wire-malformed", "The reason is too long.");
  }
  return new ByteReader(bytes).ascii(bytes.length);
}
