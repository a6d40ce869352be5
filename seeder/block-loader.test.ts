import { describe, expect, test } from "@jest/globals";
import { INIT_PART, toBase64Url, utf8 } from "../core/index.ts";
import { isFresh } from "./block-loader.ts";

function entry(part: number, claims: object) {
  const payload = toBase64Url(utf8(JSON.stringify(claims)));
  return { block: { rendition: 0, sequence: 7, part }, jws: `header.${payload}.signature` };
}

describe("isFresh", () => {
  const nowMs = 1_800_000_000_500;

  test("wants a media manifest to be good for some seconds more", () => {
    expect(isFresh(entry(0, { exp: 1_800_000_011 }), nowMs, 10)).toBe(true);
    expect(isFresh(entry(0, { exp: 1_800_000_010 }), nowMs, 10)).toBe(false);
  });

  test("takes an init segment of any age", () => {
    expect(isFresh(entry(INIT_PART, { exp: 1 }), nowMs, 10)).toBe(true);
  });

  test("refuses a manifest without an end", () => {
    expect(() => isFresh(entry(0, {}), nowMs, 10)).toThrow("exp");
  });
});
