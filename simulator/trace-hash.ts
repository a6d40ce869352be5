import type { Message } from "../core/index.ts";

const timeBits = new Float64Array(1);
const timeWords: Uint32Array = new Uint32Array(timeBits.buffer);

/** A rolling 64-bit hash over what was delivered, in order: equal runs have equal hashes. */
export class TraceHash {
  #low = 0x81_1c_9d_c5;
  #high = 0x9e_37_79_b9;

  /** A message that came to a peer. */
  message(timeMs: number, from: number, to: number, message: Message): void {
    const { type } = message;
    this.#event(timeMs, Math.imul(from, 0x9e_37_79_b1) ^ to, type);
    if (type === "symbol") this.#mix(message.block.sequence * 256 + message.esi);
  }

  /** Anything else that a peer was told. */
  input(timeMs: number, host: number, kind: string): void {
    this.#event(timeMs, host, kind);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.#high, this.#low]
      .map((word) => (word >>> 0).toString(16).padStart(8, "0"))
      .join("");
  }

  #event(timeMs: number, who: number, kind: string): void {
    timeBits[0] = timeMs;
    this.#mix(timeWords[0] as number);
    this.#mix((timeWords[1] as number) ^ (kind.charCodeAt(0) << 8) ^ kind.length);
    this.#mix(who);
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01_00_01_93) + 0x2d;
    this.#high = Math.imul(this.#high ^ word ^ (this.#low >>> 13), 0x85_eb_ca_6b);
  }
}
