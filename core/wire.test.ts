import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromHex, toHex } from "./bytes.ts";
import { errorCode } from "./errors.ts";
import type { Message } from "./messages.ts";
import { decodeMessage, encodeMessage, messageByteLength } from "./wire.ts";

interface WireVector {
  readonly hex: string;
  /** The message, with bytes as hexadecimal text. */
  readonly message: Readonly<Record<string, unknown>>;
}

const VECTORS: { readonly vectors: readonly WireVector[] } = JSON.parse(
  readFileSync(`${import.meta.dirname}/../fixtures/vectors/wire.json`, "utf8"),
);

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

  test("has a vector for each type", () => {
    const types = new Set(VECTORS.vectors.map(({ message }) => message["type"]));
    expect(types.size).toBe(16);
  });

  const block = fc.record({
    rendition: fc.nat(255),
    sequence: fc.nat(0xff_ff_ff_ff),
    part: fc.nat(0xff_ff),
  });
  const esis = fc.uniqueArray(fc.nat(255), { minLength: 1, maxLength: 255 });
  const ascending = esis.map((list) => [...list].sort((a, b) => a - b));
  const messages: fc.Arbitrary<Message> = fc.oneof(
    fc.record({ type: fc.constant("have" as const), block, esis: ascending }),
    fc.record({ type: fc.constant("cancel" as const), block, esis }),
    fc.record({
      type: fc.constant("request" as const),
      block,
      withinMs: fc.nat(0xff_ff_ff_ff),
      esis,
    }),
    fc.record({
      type: fc.constant("symbol" as const),
      block,
      esi: fc.nat(255),
      bytes: fc.uint8Array({ maxLength: 300 }),
    }),
  );

  test("gives any message back", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = encodeMessage(message);
        expect(readable(decodeMessage(bytes))).toEqual(readable(message));
        expect(messageByteLength(message)).toBe(bytes.length);
      }),
    );
  });

  test("reads any bytes or refuses them with a code, and what it reads has one spelling", () => {
    const firstType = fc.integer({ min: 0, max: 11 });
    fc.assert(
      fc.property(firstType, fc.uint8Array({ maxLength: 400 }), (type, rest) => {
        const bytes = Uint8Array.of(type, ...rest);
        try {
          expect(toHex(encodeMessage(decodeMessage(bytes)))).toBe(toHex(bytes));
        } catch (error) {
          expect(errorCode(error)).toBe("wire-malformed");
        }
      }),
      { numRuns: 2000 },
    );
  });
});
