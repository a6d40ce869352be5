import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromHex, toHex } from "./bytes.ts";
import { errorCode } from "./errors.ts";
import { FEEDS_MAX, MESSAGE_BYTES_MAX, type Message, RELAY_BYTES_MAX } from "./messages.ts";
import { ANY_MESSAGE, MESSAGE_ARBITRARIES } from "./testing/message-arbitraries.ts";
import { decodeMessage, encodeMessage, helloProofMessage, messageByteLength } from "./wire.ts";

interface WireVector {
  readonly hex: string;
  /** The message, with bytes as hexadecimal text. */
  readonly message: Readonly<Record<string, unknown>>;
}

const VECTORS: {
  readonly vectors: readonly WireVector[];
  readonly helloProofs: readonly { stream: string; own: string; other: string; hex: string }[];
} = JSON.parse(readFileSync(`${import.meta.dirname}/../fixtures/vectors/wire.json`, "utf8"));

/** A message with its bytes as hexadecimal text. */
function readable(message: Message): unknown {
  return JSON.parse(
    JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? toHex(value) : value)),
  );
}

describe("the wire codec", () => {
  test.each(VECTORS.vectors)("reads and writes vector $message.type", ({ hex, message }) => {
    const decoded = decodeMessage(fromHex(hex));
    expect(readable(decoded)).toEqual(message);
    expect(toHex(encodeMessage(decoded))).toBe(hex);
    expect(messageByteLength(decoded)).toBe(hex.length / 2);
  });

  test.each(VECTORS.helloProofs)("binds a hello to a connection", ({ stream, own, other, hex }) => {
    expect(toHex(helloProofMessage(stream, fromHex(own), fromHex(other)))).toBe(hex);
  });

  test("has a vector for each type", () => {
    const types = new Set(VECTORS.vectors.map(({ message }) => message["type"]));
    expect(types.size).toBe(16);
  });

  test.each(Object.entries<fc.Arbitrary<Message>>(MESSAGE_ARBITRARIES))(
    "gives any %s back, and knows its length before",
    (_, arbitrary) => {
      fc.assert(
        fc.property(arbitrary, (message) => {
          const bytes = encodeMessage(message);
          expect(readable(decodeMessage(bytes))).toEqual(readable(message));
          expect(messageByteLength(message)).toBe(bytes.length);
        }),
      );
    },
  );

  test("reads any bytes or refuses them with a code, and what it reads has one spelling", () => {
    const firstType = fc.integer({ min: 0, max: 18 });
    fc.assert(
      fc.property(firstType, fc.uint8Array({ maxLength: 400 }), (type, rest) => {
        readsOrRefuses(Uint8Array.of(type, ...rest));
      }),
      { numRuns: 2000 },
    );
  });

  test("reads messages whose bytes were changed, or refuses them with a code", () => {
    const changes = fc.array(fc.tuple(fc.nat(3), fc.nat(), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(ANY_MESSAGE, changes, (message, mutations) => {
        readsOrRefuses(mutated(encodeMessage(message), mutations));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("a message is refused", () => {
  test.each([
    ["when it is too long", "Longer than", () => new Uint8Array(MESSAGE_BYTES_MAX + 1).fill(5)],
    ["without bytes", "too early", () => new Uint8Array()],
    ["of type 0", "Unknown type", () => Uint8Array.of(0)],
    ["of type 17", "Unknown type", () => Uint8Array.of(17)],
    [
      "with an ESI that is asked for twice",
      "different ESIs",
      () => fromHex("040000000001000000000001020505"),
    ],
    ["that cancels nothing", "different ESIs", () => fromHex("060000000001000000")],
    [
      "with a bitmap that ends in a zero byte",
      "zero byte",
      () => fromHex("03000000000100000280" + "00"),
    ],
    ["with a class that is none", "Unknown classes", () => fromHex("0b000200")],
    [
      "with a role that is none",
      "Unknown role",
      () => fromHex(`0e01${"00".repeat(32)}02${"00".repeat(6)}`),
    ],
    ["with a code of goodbye that is none", "Unknown bye code", () => fromHex("0706")],
    ["with a reason that is not ASCII", "ASCII", () => fromHex("0700c3a9")],
    ["that is a manifest without leaves", "leaves", () => fromHex("020000000161" + "0000")],
    [
      "with more to relay than is allowed",
      "to relay",
      () => new Uint8Array(1 + 64 + RELAY_BYTES_MAX + 1).fill(15),
    ],
    ["with more renditions than are allowed", "More than 8", () => statusOf(FEEDS_MAX + 1)],
  ])("%s", (_, why, bytes) => {
    expect(() => decodeMessage(bytes())).toThrow(
      expect.objectContaining({
        code: "wire-malformed",
        message: expect.stringContaining(why),
      }),
    );
  });
});

/** Each change is [flip, overwrite, insert or delete; where; what]. */
function mutated(
  bytes: Uint8Array,
  changes: readonly (readonly [number, number, number])[],
): Uint8Array {
  const list = [...bytes];
  for (const [kind, place, value] of changes) {
    const at = place % (list.length + 1);
    if (kind === 0) list[at] = (list[at] ?? 0) ^ (1 << (value & 7));
    else if (kind === 1) list[at] = value;
    else if (kind === 2) list.splice(at, 0, value);
    else list.splice(at, 1 + (value & 7));
  }
  return Uint8Array.from(list);
}

function readsOrRefuses(bytes: Uint8Array): void {
  try {
    const message = decodeMessage(bytes);
    expect(toHex(encodeMessage(message))).toBe(toHex(bytes));
    expect(messageByteLength(message)).toBe(bytes.length);
  } catch (error) {
    expect(errorCode(error)).toBe("wire-malformed");
  }
}

function statusOf(feeds: number): Uint8Array {
  return Uint8Array.of(13, ...new Uint8Array(10), feeds, ...new Uint8Array(feeds * 18));
}
