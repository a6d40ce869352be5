import fc from "fast-check";
import { type BlockId, INIT_PART } from "../block-id.ts";
import { toBase64Url } from "../bytes.ts";
import {
  type ByeCode,
  CLASS_SET_MAX,
  EVIDENCE_MAX,
  FEEDS_MAX,
  KNOWN_PEERS_MAX,
  LAGS,
  type Message,
  REASON_LENGTH_MAX,
  RELAY_BYTES_MAX,
} from "../messages.ts";

const BYE_CODES: readonly ByeCode[] = [
  "leaving",
  "protocol-error",
  "refused",
  "bad-data",
  "silent",
  "overloaded",
];

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xff_ff);
const u32 = fc.nat(0xff_ff_ff_ff);
const block: fc.Arbitrary<BlockId> = fc.record({
  rendition: u8,
  sequence: u32,
  part: fc.oneof(u16, fc.constant(INIT_PART)),
});
const classes = fc.nat(CLASS_SET_MAX);
const peer = bytesOf(32).map(toBase64Url);

/** Any message of each type, as long as the limits of PROTOCOL.md allow, but with shorter bytes and texts. */
export const MESSAGE_ARBITRARIES: {
  readonly [Type in Message["type"]]: fc.Arbitrary<Extract<Message, { type: Type }>>;
} = {
  hello: message("hello", { version: u8, token: ascii(300), proof: bytesOf(64) }),
  manifest: message("manifest", {
    ageMs: u16,
    jws: ascii(300),
    leaves: fc.array(bytesOf(32), { minLength: 1, maxLength: 256, size: "+2" }),
  }),
  have: message("have", {
    block,
    esis: esis(0, 256).map((list) => [...list].sort((a, b) => a - b)),
  }),
  request: message("request", { block, withinMs: u32, esis: esis(0, 255) }),
  symbol: message("symbol", { block, esi: u8, bytes: fc.uint8Array({ maxLength: 300 }) }),
  cancel: message("cancel", { block, esis: esis(1, 255) }),
  decline: message("decline", { block, isBusy: fc.boolean(), esis: esis(1, 255) }),
  subscribe: message("subscribe", { rendition: u8, classes }),
  serve: message("serve", { rendition: u8, classes, spare: u16 }),
  status: message("status", {
    capacityKbps: u32,
    roomKbps: u32,
    spare: u16,
    feeds: fc.array(fc.record({ rendition: u8, lags: bytesOf(LAGS) }), { maxLength: FEEDS_MAX }),
  }),
  peers: message("peers", {
    peers: fc.array(
      fc.record({
        peer,
        role: fc.constantFrom("viewer", "seed"),
        capacityKbps: u32,
        spare: u16,
      }),
      { maxLength: KNOWN_PEERS_MAX },
    ),
  }),
  relay: message("relay", {
    from: peer,
    to: peer,
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constant(new Uint8Array(RELAY_BYTES_MAX)),
    ),
  }),
  evidence: message("evidence", {
    records: fc.array(fc.record({ subject: peer, deliveredKib: u32, failed: u16 }), {
      maxLength: EVIDENCE_MAX,
    }),
    issuedAtS: u32,
    signature: bytesOf(64),
  }),
  bye: message("bye", { code: fc.constantFrom(...BYE_CODES), reason: ascii(REASON_LENGTH_MAX) }),
  ping: message("ping", { id: u32 }),
  pong: message("pong", { id: u32 }),
};

/** Any message; each type is as likely. */
export const ANY_MESSAGE: fc.Arbitrary<Message> = fc.oneof(...Object.values(MESSAGE_ARBITRARIES));

function message<Type extends Message["type"]>(
  type: Type,
  fields: {
    [Name in keyof Omit<Extract<Message, { type: Type }>, "type">]: fc.Arbitrary<
      Extract<Message, { type: Type }>[Name]
    >;
  },
): fc.Arbitrary<Extract<Message, { type: Type }>> {
  return fc.record({ type: fc.constant(type), ...fields }) as unknown as fc.Arbitrary<
    Extract<Message, { type: Type }>
  >;
}

function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

function ascii(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: "binary-ascii", maxLength });
}

function esis(minLength: number, maxLength: number): fc.Arbitrary<number[]> {
  return fc.uniqueArray(u8, { minLength, maxLength });
}
