// Runs in Node.js and, bundled, in a browser.
import { browserCrypto, leafHash, nobleCrypto } from "../core/index.ts";
import { medianOf } from "./rounds.ts";

const SYMBOL_BYTES = 16_384;
const BLOCK_SYMBOLS = 124;
const LANES = 4;
/** Samples of each way, taken in turns; each as many calls as take a few milliseconds. */
const ROUNDS = 30;
const SAMPLE_MS = 8;

/** Median MB/s; NaN where a way does not apply. */
export interface HashSpeeds {
  /** Leaf hashes of symbols of 16 KiB, one after the other, as a peer meets them. */
  readonly single: number;
  /** Leaf hashes of four symbols that are there at once. */
  readonly four: number;
  /** The digest of a block of 2 MB. */
  readonly block: number;
}

type Task = () => unknown;
/** A way to hash; where `single` is absent there is just `four`. */
interface HashWay {
  readonly name: string;
  readonly single?: Task;
  readonly four?: Task;
  readonly block?: Task;
}

const block = new Uint8Array(BLOCK_SYMBOLS * SYMBOL_BYTES).map((_, at) => (at * 31) ^ (at >> 8));
const symbols = Array.from({ length: LANES }, (_, esi) =>
  block.subarray(esi * SYMBOL_BYTES, (esi + 1) * SYMBOL_BYTES),
);

/** Hashes in every way in turns. `lanesModule` is base64 of what sha256-lanes.as compiles to. */
export async function measureHashes(
  lanesModule: string,
  more: readonly HashWay[] = [],
): Promise<Record<string, HashSpeeds>> {
  const lanes = await lanesFrom(lanesModule);
  checkLanes(lanes());
  const ways = [
    syncWay("@noble", nobleCrypto),
    webCryptoWay(),
    syncWay("wasm", browserCrypto),
    { name: "wasm, 4 lanes", four: lanes },
    ...more,
  ];
  const samples = ways.map(() => ({ single: [], four: [], block: [] }) as Record<Work, number[]>);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, way] of ways.entries()) {
      for (const work of WORKS) samples[index]?.[work].push(await secondsOf(way[work]));
    }
  }
  const speedsOf = (seconds: Record<Work, number[]>): HashSpeeds => ({
    single: speed(SYMBOL_BYTES, seconds.single),
    four: speed(LANES * SYMBOL_BYTES, seconds.four),
    block: speed(block.length, seconds.block),
  });
  return Object.fromEntries(
    samples.map((seconds, index) => [ways[index]?.name ?? "", speedsOf(seconds)]),
  );
}

const WORKS = ["single", "four", "block"] as const;
type Work = (typeof WORKS)[number];

/** A way to hash that answers at once. */
export function syncWay(name: string, crypto: Pick<typeof nobleCrypto, "sha256">): HashWay {
  const [symbol = block] = symbols;
  return {
    name,
    single: () => leafHash(crypto, symbol),
    four: () => symbols.map((each) => leafHash(crypto, each)),
    block: () => crypto.sha256(block),
  };
}

/** A promise for each digest. The leaf's prefix asks for a copy of the symbol. */
function webCryptoWay(): HashWay {
  const [symbol = block] = symbols;
  const leaf = (bytes: Uint8Array) => {
    const prefixed = new Uint8Array(1 + bytes.length);
    prefixed.set(bytes, 1);
    return crypto.subtle.digest("SHA-256", prefixed);
  };
  return {
    name: "crypto.subtle",
    single: () => leaf(symbol),
    four: () => Promise.all(symbols.map(leaf)),
    block: () => crypto.subtle.digest("SHA-256", block),
  };
}

/** Seconds of one call: of as many as fill a sample, because browsers tell the time coarsely. */
async function secondsOf(task: Task | undefined): Promise<number> {
  if (task === undefined) return Number.NaN;
  const startedAt = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < SAMPLE_MS) {
    const result = task();
    // Waiting for what is there already would cost the other ways a turn of the event loop.
    if (result instanceof Promise) await result;
    calls++;
    elapsedMs = performance.now() - startedAt;
  }
  return elapsedMs / 1000 / calls;
}

function speed(byteLength: number, seconds: readonly number[]): number {
  return byteLength / 1e6 / medianOf(seconds);
}

// Where sha256-lanes.as has its constants, its state and, behind them, room for the messages.
const CONSTANTS = 0x1_00;
const STATE = 0x2_00;
const MESSAGES = 0x10_00;
const STATE_WORDS = 8;
/** A leaf with its prefix, padded to whole blocks of 64 bytes. */
const MESSAGE_BYTES = SYMBOL_BYTES + 64;

/** The part of the WebAssembly JavaScript interface that is used here: Node's types do not have it. */
interface WasmPort {
  instantiate(
    module: Uint8Array,
  ): Promise<{ readonly instance: { readonly exports: LanesExports } }>;
}

interface LanesExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  hashLanes(messages: number, stride: number, blocks: number): void;
}

/** The leaf hashes of the four symbols. */
async function lanesFrom(base64: string): Promise<() => Uint8Array[]> {
  const module = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const { WebAssembly: port } = globalThis as unknown as { readonly WebAssembly: WasmPort };
  const { memory, hashLanes } = (await port.instantiate(module)).instance.exports;
  const words = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  const constants = rootFractions(64, Math.cbrt);
  const state = rootFractions(STATE_WORDS, Math.sqrt);
  for (const [index, word] of constants.entries())
    words.setUint32(CONSTANTS + 4 * index, word, true);
  return () => {
    for (const [lane, symbol] of symbols.entries()) {
      const start = MESSAGES + lane * MESSAGE_BYTES;
      bytes.set(symbol, start + 1);
      bytes[start + 1 + symbol.length] = 0x80;
      words.setUint32(start + MESSAGE_BYTES - 4, 8 * (1 + symbol.length));
    }
    for (let at = 0; at < STATE_WORDS * LANES; at++) {
      words.setUint32(STATE + 4 * at, state[Math.floor(at / LANES)] ?? 0, true);
    }
    hashLanes(MESSAGES, MESSAGE_BYTES, MESSAGE_BYTES / 64);
    return symbols.map((_, lane) => {
      const digest = new DataView(new ArrayBuffer(4 * STATE_WORDS));
      for (let at = 0; at < STATE_WORDS; at++) {
        digest.setUint32(4 * at, words.getUint32(STATE + 4 * (at * LANES + lane), true));
      }
      return new Uint8Array(digest.buffer);
    });
  };
}

function checkLanes(leaves: readonly Uint8Array[]): void {
  const expected = symbols.map((symbol) => leafHash(nobleCrypto, symbol));
  if (`${leaves}` !== `${expected}`) throw new Error("The lanes hash wrongly.");
}

function rootFractions(count: number, root: (prime: number) => number): number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < count; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32));
}
