import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { scrypt } from "@noble/hashes/scrypt.js";
import { isWorkDone, JOIN_WORK_SCRYPT, joinWorkInput, toHex } from "./index.ts";

interface Vector {
  readonly challenge: string;
  readonly work: number;
  readonly counter: number;
  readonly hash: string;
}
const { vectors } = JSON.parse(
  readFileSync(new URL("../fixtures/vectors/join-work.json", import.meta.url), "utf8"),
) as { vectors: Vector[] };

function hashOf(challenge: string, counter: number): Uint8Array {
  const { password, salt } = joinWorkInput({ challenge, counter });
  return scrypt(password, salt, JOIN_WORK_SCRYPT);
}

describe("join work", () => {
  test.each(vectors)("of $work is done first by counter $counter", (vector) => {
    const { challenge, work, counter, hash } = vector;
    expect(toHex(hashOf(challenge, counter))).toBe(hash);
    for (let earlier = 0; earlier < counter; earlier += 1) {
      expect(isWorkDone(hashOf(challenge, earlier), work)).toBe(false);
    }
    expect(isWorkDone(hashOf(challenge, counter), work)).toBe(true);
  });

  test("of 1 is done by every hash, and the border belongs to those that do not answer", () => {
    expect(isWorkDone(new Uint8Array(32).fill(255), 1)).toBe(true);
    const border = new Uint8Array(32);
    border[0] = 0x80;
    expect(isWorkDone(border, 2)).toBe(false);
    border.set([0x7f, 0xff, 0xff, 0xff]);
    expect(isWorkDone(border, 2)).toBe(true);
  });
});
