import { randomBytes } from "node:crypto";

/** RFC 4648 section 6, in lower case: no letter or digit that is easily taken for another. */
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** `length` random characters of 5 bits each. */
export function randomBase32(length: number): string {
  return Array.from(randomBytes(length), (byte) => BASE32.charAt(byte & 31)).join("");
}
