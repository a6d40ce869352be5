import { parseArgs } from "node:util";
import { MeshFuzz } from "../mesh/testing/mesh-fuzz.ts";

const HELP = `Usage: npm run fuzz:mesh -- [options]

Feeds one peer after the other with random inputs, valid and invalid, in random time, and checks that
nothing is thrown, no invariant breaks, what it sends can be read, and what it holds stays bounded. The
same seed gives the same runs.

  --seconds <n>  how long (default 600)
  --seed <n>     (default 1)
  --steps <n>    inputs of each peer (default 20000)
  --help         this text

Prints its progress and, as its last line, the results as JSON; fails at the first thing that is wrong and
names the seed of that peer, which "--seconds 1 --seed <n>" runs again.`;

/** The heap may breathe, but must not grow: caches and compiled code are there by then. */
const WARM_UP_PEERS = 5;
const GROWTH_MAX_MB = 8;
const COLLECTIONS = 4;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "20000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else run();

function run(): void {
  const seed = wholeNumber("seed", values.seed);
  const steps = wholeNumber("steps", values.steps);
  const endsAt = performance.now() + wholeNumber("seconds", values.seconds) * 1000;
  const totals = { peers: 0, inputs: 0, outputs: 0, blocks: 0 };
  const rejected = new Map<string, number>();
  let beforeMB = 0;
  let afterMB = 0;
  do {
    const fuzz = new MeshFuzz(seed + totals.peers);
    fuzz.run(steps);
    totals.peers++;
    totals.inputs += steps;
    totals.outputs += fuzz.summary.outputs;
    totals.blocks += fuzz.summary.blocks;
    for (const [code, count] of fuzz.summary.rejected) {
      rejected.set(code, (rejected.get(code) ?? 0) + count);
    }
    afterMB = heapMB();
    if (totals.peers <= WARM_UP_PEERS) beforeMB = Math.max(beforeMB, afterMB);
    console.error(`… ${totals.peers} peers, ${totals.inputs} inputs: right; heap ${afterMB} MB`);
  } while (performance.now() < endsAt);
  if (afterMB > beforeMB + GROWTH_MAX_MB) {
    throw new Error(`The heap grew from ${beforeMB} MB to ${afterMB} MB.`);
  }
  const heap = { heapBeforeMB: beforeMB, heapAfterMB: afterMB };
  const refusals = Object.fromEntries([...rejected].sort());
  console.log(JSON.stringify({ fuzz: "mesh", seed, steps, ...totals, ...heap, refusals }));
}

/** What is alive, the last peer among it. */
function heapMB(): number {
  // A collection frees the memory of arrays a little later than the arrays.
  const bytes = Array.from({ length: COLLECTIONS }, () => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  });
  return Math.round(Math.min(...bytes) / 1e5) / 10;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw new Error(`--${name}: expected a whole number from 0 to 2147483647, got "${text}".`);
}
