import { randomBytes } from "node:crypto";
import {
  assert,
  BlockDecoder,
  browserCrypto,
  type FecKernel,
  type FecParameters,
  symbolOf,
  wasmKernel,
} from "../core/index.ts";
import { medianOf, shuffled } from "./rounds.ts";

const HELP = `Usage: npm run bench:decoder [-- --help]

What a block costs a peer, symbols of 16 KiB, medians in ms, on the strict kernel:

  decoder      a BlockDecoder takes K symbols and gives the block: it keeps them in ordinary memory
  workspace    the other way: symbols are written into the kernel's memory at once, decoded there, and
               the block is copied out, because it outlives the next one
  kernel       decoding alone, in place
  set-up       what of it does not go by the bytes: solving for the losses (symbols of 64 bytes)
  hashing      the leaf hashes and the digest of the block in WebAssembly, beside it

Prints a table and, as its last line, the results as JSON.`;

const SYMBOL_BYTES = 16_384;
const SMALLEST_SYMBOL_BYTES = 64;
const ROUNDS = 60;
/** What is kept of the blocks that were made, as a peer keeps the last ones. */
const KEPT_BLOCKS = 8;
const CASES = [
  [32, 8, 8],
  [100, 20, 0],
  [100, 20, 1],
  [100, 20, 20],
  [128, 64, 64],
] as const;

if (process.argv.includes("--help")) console.log(HELP);
else run();

function run(): void {
  const kernel = wasmKernel("strict");
  assert(kernel !== undefined, "Node.js takes the build with strict SIMD");
  const results = Object.fromEntries(
    CASES.map(([k, repairs, lost]) => [
      `${k}+${repairs}, ${lost} lost`,
      measure(kernel, k, repairs, lost),
    ]),
  );
  console.table(results);
  console.log(JSON.stringify({ bench: "decoder", cases: results }));
}

function measure(
  kernel: FecKernel,
  k: number,
  repairs: number,
  lost: number,
): Record<string, number> {
  const block = makeBlock(kernel, k, repairs, SYMBOL_BYTES, lost);
  const small = makeBlock(kernel, k, repairs, SMALLEST_SYMBOL_BYTES, lost);
  const kept: Uint8Array[] = [];
  const keep = (bytes: Uint8Array) => {
    kept.push(bytes);
    if (kept.length > KEPT_BLOCKS) kept.shift();
  };
  const tasks = {
    decoder: () => keep(decodeByDecoder(kernel, block)),
    workspace: () => keep(decodeInWorkspace(kernel, block)),
    kernel: () => decodeInPlace(kernel, block),
    "set-up": () => decodeInPlace(kernel, small),
    hashing: () => hashBlock(block),
  };
  for (const decode of [decodeByDecoder, decodeInWorkspace]) {
    assert(Buffer.compare(decode(kernel, block), block.source) === 0, "blocks are decoded right");
  }
  const samples = new Map<string, number[]>();
  const entries = Object.entries(tasks);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, task] of shuffled(entries)) {
      const startedAt = performance.now();
      task();
      samples.set(name, [...(samples.get(name) ?? []), performance.now() - startedAt]);
    }
  }
  return Object.fromEntries(
    entries.map(([name]) => [name, toMicrosecond(medianOf(samples.get(name) ?? []))]),
  );
}

/** A block and K of its symbols. */
interface ReceivedBlock {
  readonly fec: FecParameters;
  readonly source: Uint8Array;
  readonly received: ReadonlyMap<number, Uint8Array>;
  readonly missing: readonly number[];
}

function makeBlock(
  kernel: FecKernel,
  k: number,
  repairs: number,
  symbolBytes: number,
  lost: number,
): ReceivedBlock {
  const fec = { code: "leopard-gf8", k, n: k + repairs, symbolBytes } as const;
  const source = randomBytes(k * symbolBytes);
  const repair = kernel.encode(source, fec);
  const missing = Array.from({ length: lost }, (_, index) => Math.floor((index * k) / lost));
  const received = new Map<number, Uint8Array>();
  for (let esi = 0; esi < k + lost; esi++) {
    if (!missing.includes(esi)) received.set(esi, symbolOf(fec, source, repair, esi));
  }
  return { fec, source, received, missing };
}

function decodeByDecoder(kernel: FecKernel, { fec, source, received }: ReceivedBlock): Uint8Array {
  const decoder = new BlockDecoder(fec, source.length, kernel);
  for (const [esi, symbol] of received) decoder.add(esi, symbol);
  return decoder.bytes();
}

function decodeInWorkspace(kernel: FecKernel, block: ReceivedBlock): Uint8Array {
  const { fec, source, received, missing } = block;
  const workspace = workspaceOf(kernel, source.length);
  const repair = new Map<number, Uint8Array>();
  for (const [esi, symbol] of received) {
    if (esi < fec.k) workspace.set(symbol, esi * fec.symbolBytes);
    else repair.set(esi, symbol.slice());
  }
  kernel.decode(workspace, missing, repair, fec);
  return workspace.slice();
}

function decodeInPlace(kernel: FecKernel, { fec, source, received, missing }: ReceivedBlock): void {
  const repair = new Map([...received].filter(([esi]) => esi >= fec.k));
  kernel.decode(workspaceOf(kernel, source.length), missing, repair, fec);
}

function workspaceOf({ workspace }: FecKernel, byteLength: number): Uint8Array {
  assert(workspace !== undefined, "a kernel in WebAssembly has memory of its own");
  return workspace.subarray(0, byteLength);
}

/** The hashes of K symbols, and that of the block. */
function hashBlock({ source, received }: ReceivedBlock): void {
  for (const symbol of received.values()) browserCrypto.sha256(symbol);
  browserCrypto.sha256(source);
}

function toMicrosecond(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
