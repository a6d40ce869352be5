import { StarlingError, toHex } from "../../core/index.ts";

/** C1, C2, S1 and S2 have this length (RTMP 1.0 section 5.2). */
export const HANDSHAKE_BYTES = 1536;
const RTMP_VERSION = 3;

/**
 * The plain RTMP handshake, server side (RTMP 1.0 section 5.2), without IO: bytes in, reply out.
 * Call `push` until `done`; then `rest` holds what came after C2.
 */
export class Handshake {
  readonly #s1: Uint8Array;
  #received = new Uint8Array(0);
  #answered = false;
  #done = false;

  /** `random` fills the random part of S1. */
  constructor(random: (byteLength: number) => Uint8Array) {
    this.#s1 = new Uint8Array(HANDSHAKE_BYTES);
    this.#s1.set(random(HANDSHAKE_BYTES - 8), 8);
  }

  get done(): boolean {
    return this.#done;
  }

  /** Bytes of the chunk stream that arrived together with the end of C2. */
  get rest(): Uint8Array {
    return this.#received;
  }

  /**
   * Takes the next bytes from the client and gives what to send back, if anything.
   * Throws StarlingError "rtmp-not-rtmp", naming what the bytes look like.
   */
  push(bytes: Uint8Array): Uint8Array | undefined {
    this.#received = joined(this.#received, bytes);
    const version = this.#received[0];
    if (version === undefined) return undefined;
    if (!this.#answered) {
      if (version !== RTMP_VERSION) throw refusal(this.#received);
      if (this.#received.length < 1 + HANDSHAKE_BYTES) return undefined;
      this.#answered = true;
      const c1 = this.#received.subarray(1, 1 + HANDSHAKE_BYTES);
      this.#received = this.#received.slice(1 + HANDSHAKE_BYTES);
      const reply = joined(joined(Uint8Array.of(RTMP_VERSION), this.#s1), c1);
      this.#finish();
      return reply;
    }
    this.#finish();
    return undefined;
  }

  /** C2 only echoes S1; encoders are known to send zeros, so its content is not judged. */
  #finish(): void {
    if (this.#received.length < HANDSHAKE_BYTES) return;
    this.#received = this.#received.slice(HANDSHAKE_BYTES);
    this.#done = true;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a, 0);
  both.set(b, a.length);
  return both;
}

function refusal(bytes: Uint8Array): StarlingError {
  return new StarlingError(
    "rtmp-not-rtmp",
    `The first bytes are not RTMP: they look like ${likeness(bytes)}. Only RTMP publishers may use this port.`,
  );
}

const LIKENESSES: readonly (readonly [words: string, ...beginnings: string[]])[] = [
  ["an HTTP request (a browser, or a probe)", "GET ", "HEAD ", "POST ", "PUT ", "OPTIONS ", "PRI "],
  [
    "TLS (an rtmps:// or https:// address; use rtmp://, or give the origin --rtmps-cert and --rtmps-key)",
    "\x16\x03",
  ],
  ["encrypted RTMP (an rtmpe:// address; use rtmp://)", "\x06"],
  ["the PROXY protocol of a load balancer", "PROXY ", "\r\n\r\n\0\r\nQUIT\n"],
  ["an FLV file without RTMP around it", "FLV\x01"],
  ["MPEG-TS", "G\x40", "G\x00"],
  ["SSH", "SSH-"],
];

/** What a human would call these first bytes. */
function likeness(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  const known = LIKENESSES.find(([, ...beginnings]) =>
    beginnings.some((beginning) => text.startsWith(beginning)),
  );
  return known?.[0] ?? `nothing that is known (${toHex(bytes.subarray(0, 8))})`;
}
