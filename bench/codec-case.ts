import { randomBytes } from "node:crypto";

/** One shape of a block with its data. */
export interface CodecCase {
  readonly k: number;
  readonly repairs: number;
  readonly symbolBytes: number;
  /** k * symbolBytes random bytes. */
  readonly source: Uint8Array;
}

/** What is measured of a codec for one case. Each function does the whole of it, again and again. */
export interface CodecTasks {
  encode(): void;
  /** Recovers all that `repairs` can recover, min(k, repairs) source symbols, and gives the source. */
  decodeWorst(): Uint8Array;
  /** Recovers one source symbol, and gives the source. */
  decodeOne(): Uint8Array;
}

export interface Codec {
  readonly name: string;
  /** Packages from npm; the others are Starling's own kernels. */
  readonly isPeer: boolean;
  tasksFor(codecCase: CodecCase): CodecTasks;
}

export function makeCase(k: number, repairs: number, symbolBytes: number): CodecCase {
  return { k, repairs, symbolBytes, source: randomBytes(k * symbolBytes) };
}

/** The lost source symbols: spread over the block, so that no codec can skip a part of it. */
export function lostOf({ k }: CodecCase, losses: number): number[] {
  return Array.from({ length: losses }, (_, index) => Math.floor((index * k) / losses));
}

export function worstLosses({ k, repairs }: CodecCase): number {
  return Math.min(k, repairs);
}

/** `bytes` cut into symbols, each a view. */
export function symbolsOf(bytes: Uint8Array, symbolBytes: number): Uint8Array[] {
  return Array.from({ length: bytes.length / symbolBytes }, (_, index) =>
    bytes.subarray(index * symbolBytes, (index + 1) * symbolBytes),
  );
}
