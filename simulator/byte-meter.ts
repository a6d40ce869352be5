import { type Message, messageByteLength } from "../core/index.ts";
import type { ByteCounts } from "./run-result.ts";

/** Counts bytes by what they were for. */
export class ByteMeter {
  readonly #counts: { -readonly [Key in keyof ByteCounts]: number } = {
    played: 0,
    origin: 0,
    originHttp: 0,
    fromPeers: 0,
    duplicate: 0,
    fec: 0,
    control: 0,
    manifest: 0,
    retransmitted: 0,
    relay: 0,
    wasted: 0,
  };

  /** The counts so far. */
  get counts(): ByteCounts {
    return this.#counts;
  }

  /** What was counted after the counts were `before`. */
  since(before: ByteCounts): ByteCounts {
    const counts = { ...this.#counts };
    for (const kind of Object.keys(counts) as (keyof ByteCounts)[]) counts[kind] -= before[kind];
    return counts;
  }

  add(kind: keyof ByteCounts, byteLength: number): void {
    this.#counts[kind] += byteLength;
  }

  /** A message that a seed or an honest viewer sent. */
  sent(isSeed: boolean, message: Message, wireBytes: number): void {
    const counts = this.#counts;
    if (message.type === "symbol") {
      if (isSeed) counts.origin += message.bytes.length;
      else counts.control += wireBytes - message.bytes.length;
    } else if (message.type !== "manifest" && !isSeed) {
      counts.control += wireBytes;
      if (message.type === "relay") counts.relay += wireBytes;
    }
  }

  /** A manifest message that an honest viewer received. */
  manifest(message: Message): void {
    this.#counts.manifest += messageByteLength(message);
  }
}
