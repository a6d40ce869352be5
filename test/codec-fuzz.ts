import { parseArgs } from "node:util";
import fc from "fast-check";
import { checkDecoder, decoderCases } from "../core/fec/testing/decoder-model.ts";
import { KERNELS, shape } from "../core/fec/testing/kernels.ts";
import { checkEveryPattern, checkRandomPatterns } from "../core/fec/testing/patterns.ts";
import { assert, plainKernel } from "../core/index.ts";

const HELP = `Usage: npm run fuzz:codec -- [options]

The long form of the codec's tests, on every kernel that Node.js takes: every pattern of losses of small
blocks, random patterns of large ones, and a model of the decoder fed with symbols in any order and with
what does not fit. The same seed gives the same cases.

  --cases <n>     cases of the decoder (default 100000)
  --patterns <n>  random patterns of each large shape (default 10000)
  --symbols <n>   all patterns of blocks of at most so many symbols (default 13)
  --seed <n>      (default 1)
  --help          this text

Prints its progress and, as its last line, the results as JSON; fails at the first wrong byte.`;

/** After each batch the garbage is collected and the heap is looked at. */
const BATCH_CASES = 1000;
/** The heap may breathe, but must not grow: caches and compiled code are there by then. */
const WARM_UP_BATCHES = 10;
const GROWTH_MAX_MB = 2;
const COLLECTIONS = 4;
const SHAPES = [
  [32, 8],
  [64, 16],
  [100, 20],
  [123, 31],
  [128, 64],
  [192, 64],
] as const;

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100000" },
    patterns: { type: "string", default: "10000" },
    symbols: { type: "string", default: "13" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else run();

function run(): void {
  const seed = wholeNumber("seed", values.seed, 2 ** 31 - 1);
  const startedAt = performance.now();
  const everyPattern = fuzzEveryPattern(wholeNumber("symbols", values.symbols, 16));
  const randomPatterns = fuzzRandomPatterns(wholeNumber("patterns", values.patterns, 1e7), seed);
  const decoder = fuzzDecoder(wholeNumber("cases", values.cases, 1e8), seed);
  const kernels = KERNELS.map(([name]) => name);
  const tookS = Math.round((performance.now() - startedAt) / 1000);
  const result = { fuzz: "codec", seed, kernels, everyPattern, randomPatterns, ...decoder, tookS };
  console.log(JSON.stringify(result));
}

function fuzzEveryPattern(symbolsMax: number): number {
  let patterns = 0;
  for (const [name, kernel] of KERNELS) {
    patterns += checkEveryPattern(kernel, symbolsMax);
    console.error(`… every pattern of up to ${symbolsMax} symbols on the ${name} kernel: right`);
  }
  return patterns;
}

function fuzzRandomPatterns(count: number, seed: number): number {
  for (const [name, kernel] of KERNELS) {
    for (const [k, repairs] of SHAPES) {
      checkRandomPatterns(kernel, shape(k, repairs), { seed: seed + k, count });
      console.error(`… ${count} patterns of ${k}+${repairs} on the ${name} kernel: right`);
    }
  }
  return count * SHAPES.length * KERNELS.length;
}

function fuzzDecoder(cases: number, seed: number): object {
  const batches = Math.ceil(cases / BATCH_CASES);
  let beforeMB = heapMB();
  for (let batch = 0; batch < batches; batch++) {
    const named = KERNELS[batch % KERNELS.length];
    assert(named !== undefined, "there is always the plain kernel");
    const [, kernel] = named;
    const numRuns = Math.min(BATCH_CASES, cases - batch * BATCH_CASES);
    fc.assert(
      fc.property(decoderCases, (decoderCase) => checkDecoder(decoderCase, kernel)),
      { numRuns, seed: seed + batch },
    );
    if (batch === Math.min(WARM_UP_BATCHES, batches - 1)) beforeMB = heapMB();
    if ((batch + 1) % 10 === 0) {
      console.error(`… ${(batch + 1) * BATCH_CASES} decoders: right; heap ${heapMB()} MB`);
    }
  }
  const afterMB = heapMB();
  if (afterMB > beforeMB + GROWTH_MAX_MB) {
    throw new Error(`The heap grew from ${beforeMB} MB to ${afterMB} MB.`);
  }
  return { decoderCases: cases, heapBeforeMB: beforeMB, heapAfterMB: afterMB };
}

/**
 * What is alive, with the memory of typed arrays. The plain kernel keeps the tables of the last shapes,
 * large or small as they were: here always the same ones.
 */
function heapMB(): number {
  for (let k = 1; k <= 64; k++) plainKernel.encode(new Uint8Array(64), shape(k, 1));
  // A collection frees the memory of arrays a little later than the arrays.
  const bytes = Array.from({ length: COLLECTIONS }, () => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  });
  return Math.round(Math.min(...bytes) / 1e5) / 10;
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new Error(`--${name}: expected a whole number from 0 to ${max}, got "${text}".`);
}
