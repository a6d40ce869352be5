import type { BlockId } from "./block-id.ts";
import { ByteReader } from "./byte-reader.ts";
import { concatBytes, fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";
import { PUBLIC_KEY_BYTES, SHA256_BYTES, SIGNATURE_BYTES } from "./crypto.ts";
import { assert, StarlingError } from "./errors.ts";
import { SYMBOLS_MAX } from "./fec/parameters.ts";
import type { PeerRole } from "./join-token.ts";
import { JWS_LENGTH_MAX } from "./jws.ts";
import {
  type ByeCode,
  CLASS_SET_MAX,
  type ClassSet,
  EVIDENCE_MAX,
  type EvidenceRecord,
  FEEDS_MAX,
  type FeedStatus,
  KNOWN_PEERS_MAX,
  type KnownPeer,
  LAGS,
  MESSAGE_BYTES_MAX,
  type Message,
  REASON_LENGTH_MAX,
  RELAY_BYTES_MAX,
  WIRE_VERSION,
} from "./messages.ts";

const BITMAP_BYTES_MAX: number = SYMBOLS_MAX / 8;
/** rendition u8, sequence u32, part u16. */
const BLOCK_BYTES = 7;

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
  decline: 10,
  subscribe: 11,
  serve: 12,
  status: 13,
  peers: 14,
  relay: 15,
  evidence: 16,
} as const satisfies Record<Message["type"], number>;

const TYPE_NAMES = new Map<number, string>(
  Object.entries(TYPE).map(([name, code]) => [code, name]),
);

const ROLES: readonly PeerRole[] = ["viewer", "seed"];

const BYE_CODES: readonly ByeCode[] = [
  "leaving",
  "protocol-error",
  "refused",
  "bad-data",
  "silent",
  "overloaded",
];

/**
 * What a peer signs in its hello: version, stream, and both DTLS certificate fingerprints, its own first
 * (32 bytes each). A certificate is made for one connection, so that each side's is its nonce.
 */
export function helloProofMessage(stream: string, own: Uint8Array, other: Uint8Array): Uint8Array {
  return concatBytes(utf8(`starling-hello-v${WIRE_VERSION}\0${stream}\0`), own, other);
}

/** What a witness signs. */
export function evidenceMessage(issuedAtS: number, records: readonly EvidenceRecord[]): Uint8Array {
  return concatBytes(utf8("starling-evidence-v1\0"), u32(issuedAtS), ...evidenceOf(records));
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
        u16(message.ageMs),
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
    case "decline":
      return [...blockOf(message.block), u8(message.isBusy ? 1 : 0), ...listOf(message.esis)];
    case "subscribe":
      return [u8(message.rendition), u16(message.classes)];
    case "serve":
      return [u8(message.rendition), u16(message.classes), u16(message.spare)];
    case "status":
      return [
        u32(message.capacityKbps),
        u32(message.roomKbps),
        ...[u16(message.spare), u8(message.feeds.length)],
        ...message.feeds.flatMap(({ rendition, lags }) => [u8(rendition), lags]),
      ];
    case "peers":
      return [u8(message.peers.length), ...message.peers.flatMap(knownPeerOf)];
    case "relay":
      return [keyOf(message.from), keyOf(message.to), message.payload];
    case "evidence":
      return [u32(message.issuedAtS), ...evidenceOf(message.records), message.signature];
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
      return 6 + message.jws.length + message.leaves.length * SHA256_BYTES;
    case "have":
      return BLOCK_BYTES + 1 + bitmapByteLength(message.esis);
    case "request":
      return BLOCK_BYTES + 5 + message.esis.length;
    case "symbol":
      return BLOCK_BYTES + 1 + message.bytes.length;
    case "cancel":
      return BLOCK_BYTES + 1 + message.esis.length;
    case "decline":
      return BLOCK_BYTES + 2 + message.esis.length;
    case "subscribe":
      return 3;
    case "serve":
      return 5;
    case "status":
      return 11 + message.feeds.length * (1 + LAGS);
    case "peers":
      return 1 + message.peers.length * (PUBLIC_KEY_BYTES + 7);
    case "relay":
      return 2 * PUBLIC_KEY_BYTES + message.payload.length;
    case "evidence":
      return 5 + message.records.length * (PUBLIC_KEY_BYTES + 6) + SIGNATURE_BYTES;
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
      return {
        type,
        ageMs: reader.u16(),
        jws: readText(reader, JWS_LENGTH_MAX),
        leaves: readLeaves(reader),
      };
    case "have":
      return { type, block: readBlock(reader), esis: readBitmap(reader) };
    case "request":
      return { type, block: readBlock(reader), withinMs: reader.u32(), esis: readList(reader, 0) };
    case "symbol":
      return { type, block: readBlock(reader), esi: reader.u8(), bytes: reader.rest() };
    case "cancel":
      return { type, block: readBlock(reader), esis: readList(reader, 1) };
    case "decline": {
      const block = readBlock(reader);
      return { type, block, isBusy: readFlag(reader), esis: readList(reader, 1) };
    }
    case "subscribe":
      return { type, rendition: reader.u8(), classes: readClasses(reader) };
    case "serve":
      return {
        type,
        rendition: reader.u8(),
        classes: readClasses(reader),
        spare: reader.u16(),
      };
    case "status":
      return {
        type,
        capacityKbps: reader.u32(),
        roomKbps: reader.u32(),
        spare: reader.u16(),
        feeds: readMany(reader, FEEDS_MAX, readFeed),
      };
    case "peers":
      return { type, peers: readMany(reader, KNOWN_PEERS_MAX, readKnownPeer) };
    case "relay":
      return { type, from: readKey(reader), to: readKey(reader), payload: readPayload(reader) };
    case "evidence":
      return {
        type,
        issuedAtS: reader.u32(),
        records: readMany(reader, EVIDENCE_MAX, readEvidence),
        signature: reader.bytes(SIGNATURE_BYTES),
      };
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

function readList(reader: ByteReader, lengthMin: number): readonly number[] {
  const esis = [...reader.bytes(reader.u8())];
  if (esis.length < lengthMin || new Set(esis).size < esis.length) {
    throw new StarlingError("wire-malformed", `Expected ${lengthMin} or more different ESIs.`);
  }
  return esis;
}

function readMany<Item>(
  reader: ByteReader,
  countMax: number,
  read: (reader: ByteReader) => Item,
): readonly Item[] {
  const count = reader.u8();
  if (count > countMax) throw new StarlingError("wire-malformed", `More than ${countMax} entries.`);
  return Array.from({ length: count }, () => read(reader));
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw new StarlingError("wire-malformed", "A flag is 0 or 1.");
  return flag === 1;
}

function readClasses(reader: ByteReader): ClassSet {
  const classes = reader.u16();
  if (classes > CLASS_SET_MAX) throw new StarlingError("wire-malformed", "Unknown classes.");
  return classes;
}

function readFeed(reader: ByteReader): FeedStatus {
  return { rendition: reader.u8(), lags: reader.bytes(LAGS) };
}

function keyOf(peer: string): Uint8Array {
  const key = fromBase64Url(peer);
  assert(key.length === PUBLIC_KEY_BYTES, "a peer is named by its public key");
  return key;
}

function readKey(reader: ByteReader): string {
  return toBase64Url(reader.bytes(PUBLIC_KEY_BYTES));
}

function knownPeerOf({ peer, role, capacityKbps, spare }: KnownPeer): readonly Uint8Array[] {
  return [keyOf(peer), u8(ROLES.indexOf(role)), u32(capacityKbps), u16(spare)];
}

function readKnownPeer(reader: ByteReader): KnownPeer {
  const peer = readKey(reader);
  const role = ROLES[reader.u8()];
  if (role === undefined) throw new StarlingError("wire-malformed", "Unknown role.");
  return { peer, role, capacityKbps: reader.u32(), spare: reader.u16() };
}

function evidenceOf(records: readonly EvidenceRecord[]): readonly Uint8Array[] {
  const bytes = records.flatMap(({ subject, deliveredKib, failed }) => [
    keyOf(subject),
    u32(deliveredKib),
    u16(failed),
  ]);
  return [u8(records.length), ...bytes];
}

function readEvidence(reader: ByteReader): EvidenceRecord {
  return { subject: readKey(reader), deliveredKib: reader.u32(), failed: reader.u16() };
}

function readPayload(reader: ByteReader): Uint8Array {
  const payload = reader.rest();
  if (payload.length <= RELAY_BYTES_MAX) return payload;
  throw new StarlingError("wire-malformed", `More than ${RELAY_BYTES_MAX} bytes to relay.`);
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
