import { parseArgs } from "node:util";
import { type Codec, type CodecTasks, makeCase } from "./codec-case.ts";
import { ownCodecs } from "./codec-own.ts";
import { installPeers } from "./codec-peers.ts";
import { medianOf, shuffled } from "./rounds.ts";

const HELP = `Usage: npm run bench:codec -- [options]

Measures the erasure codec in one process, side by side: Starling's kernels, the packages that npm has
(installed into a folder for temporary files), and a copy of 2 MB as the limit. MB/s are source bytes;
each value is the median of rounds in which everything runs once, in a new order each.

  --rounds <n>    rounds (default 24); npm's packages take part in every fourth
  --offline       without npm's packages
  --help          this text

Prints a table per symbol size and, as its last line, the results for 16 KiB symbols as JSON.`;

const SHAPES = [
  [32, 8],
  [64, 16],
  [100, 20],
  [128, 64],
] as const;
const SYMBOL_BYTES = 16_384;
/** 1200 bytes as the code stores them: in a multiple of 64. */
const SMALL_SYMBOL_BYTES = 1216;
const COPY_BYTES = 2_097_152;
const PEER_INTERVAL = 4;
/** Calls before anything counts, until the compilers have done their work. */
const WARM_UP_CALLS = 40;
const TASKS = ["encode", "decodeWorst", "decodeOne"] as const;
type TaskName = (typeof TASKS)[number];

/** Median MB/s of each task. */
type Speeds = Readonly<Record<TaskName, number>>;
interface ShapeResult {
  readonly shape: string;
  readonly copyMBps: number;
  readonly own: ReadonlyMap<string, Speeds>;
  readonly peers: ReadonlyMap<string, Speeds>;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "24" },
    offline: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run(wholeNumber("rounds", values.rounds), values.offline);

async function run(rounds: number, offline: boolean): Promise<void> {
  const peers = offline ? { codecs: [], close: async () => {} } : await installPeers();
  const codecs = [...ownCodecs(), ...peers.codecs];
  const results: ShapeResult[] = [];
  for (const symbolBytes of [SMALL_SYMBOL_BYTES, SYMBOL_BYTES]) {
    for (const [k, repairs] of SHAPES) {
      console.error(`… ${k}+${repairs}, symbols of ${symbolBytes} bytes`);
      const result = measure(codecs, k, repairs, symbolBytes, rounds);
      if (symbolBytes === SYMBOL_BYTES) results.push(result);
      printShape(`${result.shape}, symbols of ${symbolBytes} bytes`, result);
    }
  }
  await peers.close();
  console.log(JSON.stringify(summaryOf(results)));
}

function measure(
  codecs: readonly Codec[],
  k: number,
  repairs: number,
  symbolBytes: number,
  rounds: number,
): ShapeResult {
  const codecCase = makeCase(k, repairs, symbolBytes);
  const contestants = codecs.map((codec) => ({
    codec,
    tasks: codec.tasksFor(codecCase),
    samples: { encode: [], decodeWorst: [], decodeOne: [] } as Record<TaskName, number[]>,
  }));
  for (const { codec, tasks } of contestants) warmUp(codec, tasks, codecCase.source);
  const from = new Uint8Array(COPY_BYTES).fill(1);
  const to = new Uint8Array(COPY_BYTES);
  const copies: number[] = [];
  for (let round = 0; round < rounds; round++) {
    copies.push(elapsedMs(() => to.set(from)));
    for (const { codec, tasks, samples } of shuffled(contestants)) {
      if (codec.isPeer && round % PEER_INTERVAL !== 0) continue;
      for (const task of TASKS) samples[task].push(elapsedMs(() => tasks[task]()));
    }
  }
  const speeds = (isPeer: boolean) =>
    new Map(
      contestants
        .filter(({ codec }) => codec.isPeer === isPeer)
        .map(({ codec, samples }) => {
          const speed = (task: TaskName) => speedOf(codecCase.source.length, samples[task]);
          const decodeWorst = speed("decodeWorst");
          return [
            codec.name,
            { encode: speed("encode"), decodeWorst, decodeOne: speed("decodeOne") },
          ];
        }),
    );
  const copyMBps = speedOf(COPY_BYTES, copies);
  return { shape: `${k}+${repairs}`, copyMBps, own: speeds(false), peers: speeds(true) };
}

/** Runs the tasks until they are fast, and checks what they decode. */
function warmUp(codec: Codec, tasks: CodecTasks, source: Uint8Array): void {
  for (const decode of [() => tasks.decodeWorst(), () => tasks.decodeOne()]) {
    if (Buffer.compare(decode(), source) === 0) continue;
    throw new Error(`${codec.name} decodes wrong bytes.`);
  }
  const calls = codec.isPeer ? 1 : WARM_UP_CALLS;
  for (const task of TASKS) for (let call = 0; call < calls; call++) tasks[task]();
}

function elapsedMs(task: () => unknown): number {
  const startedAt = performance.now();
  task();
  return performance.now() - startedAt;
}

function speedOf(byteLength: number, samplesMs: readonly number[]): number {
  return byteLength / 1000 / medianOf(samplesMs);
}

function printShape(title: string, { copyMBps, own, peers }: ShapeResult): void {
  const rows = [...own, ...peers].map(([name, speeds]) => ({
    codec: name,
    "encode MB/s": Math.round(speeds.encode),
    "decode worst MB/s": Math.round(speeds.decodeWorst),
    "decode one MB/s": Math.round(speeds.decodeOne),
    "encode / copy": round(speeds.encode / copyMBps),
    "decode / copy": round(speeds.decodeWorst / copyMBps),
  }));
  console.log(`\n${title}; a copy of 2 MB: ${Math.round(copyMBps)} MB/s`);
  console.table(rows);
}

/** The strict build stands for Starling; beside npm's packages, which copy, it copies too. */
function summaryOf(results: readonly ShapeResult[]): object {
  const none: Speeds = { encode: Number.NaN, decodeWorst: Number.NaN, decodeOne: Number.NaN };
  const strict = ({ own }: ShapeResult) => own.get("starling strict") ?? none;
  const copied = ({ own }: ShapeResult) => own.get("starling strict, copied") ?? none;
  const relaxed = ({ own }: ShapeResult) => own.get("starling relaxed") ?? none;
  const byShape = <T>(figureOf: (result: ShapeResult) => T) =>
    Object.fromEntries(results.map((result) => [result.shape, figureOf(result)]));
  const peerRatio = (result: ShapeResult, task: TaskName) =>
    copied(result)[task] / Math.max(...[...result.peers.values()].map((speeds) => speeds[task]));
  const ratios = (task: TaskName) => results.map((result) => peerRatio(result, task));
  return {
    bench: "codec",
    shapes: byShape((result) => ({
      encodeMBps: Math.round(strict(result).encode),
      decodeWorstMBps: Math.round(strict(result).decodeWorst),
      decodeOneMBps: Math.round(strict(result).decodeOne),
    })),
    encodeRatioBestNpmMin: round(Math.min(...ratios("encode"))),
    decodeRatioBestNpmMin: round(Math.min(...ratios("decodeWorst"))),
    encodeRatioBestNpm: byShape((result) => round(peerRatio(result, "encode"))),
    decodeRatioBestNpm: byShape((result) => round(peerRatio(result, "decodeWorst"))),
    encodeRatioMemcpy: byShape((result) => round(strict(result).encode / result.copyMBps)),
    decodeRatioMemcpy: byShape((result) => round(strict(result).decodeWorst / result.copyMBps)),
    decodeOneRatioMemcpy: byShape((result) => round(strict(result).decodeOne / result.copyMBps)),
    relaxedEncodeRatio: byShape((result) => round(relaxed(result).encode / strict(result).encode)),
    relaxedDecodeRatio: byShape((result) =>
      round(relaxed(result).decodeWorst / strict(result).decodeWorst),
    ),
    memcpyMBps: byShape(({ copyMBps }) => Math.round(copyMBps)),
  };
}

function round(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 4 && value <= 1000) return value;
  throw new Error(`--${name}: expected a whole number from 4 to 1000, got "${text}".`);
}
