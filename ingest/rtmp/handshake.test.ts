import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { toHex, utf8 } from "../../core/index.ts";
import { HANDSHAKE_BYTES, Handshake } from "./handshake.ts";

const random = (byteLength: number): Uint8Array => new Uint8Array(byteLength).fill(7);
const C1 = Uint8Array.from({ length: HANDSHAKE_BYTES }, (_, index) => index & 0xff);
const CLIENT = Uint8Array.of(3, ...C1, ...new Uint8Array(HANDSHAKE_BYTES), 0xaa, 0xbb);

describe("the RTMP handshake", () => {
  test("answers C0 and C1 with S0, S1 and an echo of C1", () => {
    const handshake = new Handshake(random);
    const reply = handshake.push(CLIENT.subarray(0, 1 + HANDSHAKE_BYTES));
    expect(reply?.[0]).toBe(3);
    expect(reply?.length).toBe(1 + 2 * HANDSHAKE_BYTES);
    expect(toHex(reply?.subarray(1 + HANDSHAKE_BYTES) ?? new Uint8Array())).toBe(toHex(C1));
    expect(handshake.done).toBe(false);
  });

  test("ends after C2 and keeps what follows, however the bytes are split", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(CLIENT.length), { maxLength: 6 }), (cuts) => {
        const handshake = new Handshake(random);
        const edges = [0, ...cuts.sort((a, b) => a - b), CLIENT.length];
        let replies = 0;
        let rest = "";
        edges.slice(1).forEach((end, index) => {
          const piece = CLIENT.subarray(edges[index], end);
          if (handshake.done) rest += toHex(piece);
          else {
            if (handshake.push(piece) !== undefined) replies += 1;
            if (handshake.done) rest = toHex(handshake.rest);
          }
        });
        expect([handshake.done, replies, rest]).toEqual([true, 1, "aabb"]);
      }),
    );
  });

  test.each([
    ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP request"],
    ["\x16\x03\x01\x02", "TLS"],
    ["SSH-2.0-OpenSSH", "SSH"],
    ["\x06", "encrypted RTMP"],
    ["\x00\x01\x02", "nothing that is known (000102)"],
  ])("names what %j looks like", (bytes, words) => {
    expect(() => new Handshake(random).push(utf8(bytes))).toThrow(words);
  });
});
