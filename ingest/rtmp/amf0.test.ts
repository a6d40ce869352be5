import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { errorCode, fromHex, toHex } from "../../core/index.ts";
import { AMF0_DEPTH_MAX, AMF0_VALUES_MAX, type Amf0Value, decodeAmf0, encodeAmf0 } from "./amf0.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const { value } = fc.letrec<{ value: Amf0Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.double(),
    fc.boolean(),
    text,
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: false }),
  ),
}));

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return errorCode(error) ?? `not a StarlingError: ${error}`;
  }
  return undefined;
}

describe("AMF0", () => {
  test("a command reads as the bytes that the specification gives", () => {
    const bytes = "02000463616c6c003ff00000000000000300016105000009";
    expect(toHex(encodeAmf0("call", 1, { a: null }))).toBe(bytes);
    const [name, transaction, object] = decodeAmf0(fromHex(bytes));
    expect([name, transaction]).toEqual(["call", 1]);
    expect(object).toEqual({ a: null });
  });

  test("every value survives encoding and decoding", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (values) => {
        const bytes = encodeAmf0(...values);
        const again = decodeAmf0(bytes);
        expect(again).toHaveLength(values.length);
        expect(toHex(encodeAmf0(...again))).toBe(toHex(bytes));
      }),
    );
  });

  test("a text longer than 65,535 bytes travels as a long string", () => {
    const long = "a".repeat(70_000);
    const bytes = encodeAmf0(long);
    expect(bytes[0]).toBe(0x0c);
    expect(decodeAmf0(bytes)).toEqual([long]);
  });

  test("a member named __proto__ is an ordinary member", () => {
    const member = fromHex("03 0009 5f5f70726f746f5f5f 02 0001 78 0000 09".replaceAll(" ", ""));
    const [object] = decodeAmf0(member);
    expect(Object.entries(object as object)).toEqual([["__proto__", "x"]]);
  });

  test("arbitrary bytes give values or a StarlingError, nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(() => decodeAmf0(bytes)) ?? "amf0-").toMatch(/^amf0-/);
      }),
      { numRuns: 500 },
    );
  });

  test("a value that is cut short is refused", () => {
    const bytes = encodeAmf0({ a: [1, "two", new Map([["three", new Date(0)]])] });
    for (let length = 1; length < bytes.length; length++) {
      expect(codeOf(() => decodeAmf0(bytes.subarray(0, length)))).toBe("amf0-truncated");
    }
  });

  test("nesting and counting have limits", () => {
    const nested = fromHex("0a00000001".repeat(AMF0_DEPTH_MAX + 2));
    expect(codeOf(() => decodeAmf0(nested))).toBe("amf0-limit");
    const many = new Uint8Array(AMF0_VALUES_MAX + 1).fill(0x05);
    expect(codeOf(() => decodeAmf0(many))).toBe("amf0-limit");
  });

  test("a strict array that announces more than it holds takes no memory", () => {
    expect(codeOf(() => decodeAmf0(fromHex("0affffffff")))).toBe("amf0-truncated");
  });
});
