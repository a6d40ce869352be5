import { scryptSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { JOIN_WORK_SCRYPT, joinWorkInput, toHex } from "../core/index.ts";
import { joinHash } from "./join-hash.ts";

const { vectors } = JSON.parse(
  readFileSync(new URL("../fixtures/vectors/join-work.json", import.meta.url), "utf8"),
) as { vectors: { challenge: string; counter: number; hash: string }[] };

test.each(vectors)("a try of $counter at $challenge has the vector's hash", (vector) => {
  expect(toHex(joinHash(vector))).toBe(vector.hash);
});

test("any try has the hash that OpenSSL gives it", () => {
  const { dkLen, ...cost } = JOIN_WORK_SCRYPT;
  const challenge = fc.stringMatching(/^[\x21-\x7e]{0,200}$/);
  const counter = fc.integer({ min: 0, max: 0xff_ff_ff_ff });
  fc.assert(
    fc.property(challenge, counter, (text, count) => {
      const { password, salt } = joinWorkInput({ challenge: text, counter: count });
      const expected = scryptSync(password, salt, dkLen, cost).toString("hex");
      expect(toHex(joinHash({ challenge: text, counter: count }))).toBe(expected);
    }),
    { numRuns: 30 },
  );
});
