import { Buffer } from "node:buffer";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromBase64Url, toBase64Url, toHex } from "./bytes.ts";

test("base64url agrees with Node for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = toBase64Url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64url"));
      expect(toHex(fromBase64Url(text))).toBe(toHex(bytes));
    }),
  );
});

test.each(["A", "AB=", "A+==", "AB", "AAB", "€€"])("%j is not canonical base64url", (text) => {
  expect(() => fromBase64Url(text)).toThrow(expect.objectContaining({ code: "bad-base64url" }));
});
