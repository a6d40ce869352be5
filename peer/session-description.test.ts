import { describe, expect, test } from "@jest/globals";
import { toHex } from "../core/index.ts";
import { fingerprintOf } from "./session-description.ts";

const COLONS = Array.from({ length: 32 }, (_, at) => (at + 160).toString(16).toUpperCase()).join(
  ":",
);
const LINE = `a=fingerprint:sha-256 ${COLONS}`;

describe("fingerprintOf", () => {
  test("reads the 32 bytes of the one fingerprint", () => {
    const sdp = `v=0\r\na=setup:actpass\r\n${LINE}\r\nm=application 9 UDP/DTLS/SCTP x\r\n`;
    expect(toHex(fingerprintOf(sdp))).toBe(COLONS.replaceAll(":", "").toLowerCase());
    expect(toHex(fingerprintOf(sdp.replaceAll("\r\n", "\n").toLowerCase()))).toBe(
      toHex(fingerprintOf(sdp)),
    );
  });

  test.each([
    ["no fingerprint", "v=0\r\n"],
    ["two of them", `${LINE}\r\n${LINE}\r\n`],
    ["another hash", LINE.replace("sha-256", "sha-1")],
    ["too few bytes", LINE.slice(0, -3)],
    ["too many bytes", `${LINE}:00`],
    ["text that only looks like one", `s=${LINE}`],
  ])("refuses %s", (_, sdp) => {
    expect(() => fingerprintOf(sdp)).toThrow("one SHA-256 fingerprint");
  });
});
