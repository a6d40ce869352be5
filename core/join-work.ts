import { utf8 } from "./bytes.ts";
import { assert } from "./errors.ts";

/** What an open door asks of a newcomer before it gives a join token (PROTOCOL.md, "Work"). */
export interface JoinPuzzle {
  /** Opaque text of the door, at most 1,024 characters. */
  readonly challenge: string;
  /** How many hashes it takes on average, 1..WORK_MAX. */
  readonly work: number;
}

/** The answer to a puzzle. */
export interface JoinWork {
  readonly challenge: string;
  /** 0..COUNTER_MAX. */
  readonly counter: number;
}

export const CHALLENGE_LENGTH_MAX = 1024;
export const WORK_MAX = 1_048_576;
export const COUNTER_MAX = 0xff_ff_ff_ff;

/**
 * The scrypt (RFC 7914) of one try: 512 KiB of memory, so that hardware made for hashing gains little over a
 * viewer's browser; the door checks an answer with one of them.
 */
export const JOIN_WORK_SCRYPT: {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly dkLen: number;
} = { N: 512, r: 8, p: 1, dkLen: 32 };

/** What goes into scrypt for one try: the challenge as password, the counter as salt (u32). */
export function joinWorkInput({ challenge, counter }: JoinWork): {
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
} {
  assert(counter >= 0 && counter <= COUNTER_MAX, "a counter is a u32");
  const salt = new Uint8Array(4);
  new DataView(salt.buffer).setUint32(0, counter);
  return { password: utf8(challenge), salt };
}

/** Whether a hash of 32 bytes is an answer to a puzzle of `work`: its first u32 is below 2^32 / work. */
export function isWorkDone(hash: Uint8Array, work: number): boolean {
  assert(hash.length === JOIN_WORK_SCRYPT.dkLen, "a hash has 32 bytes");
  const { buffer, byteOffset } = hash;
  return new DataView(buffer, byteOffset).getUint32(0) * work < 2 ** 32;
}
