import { parseArgs } from "node:util";
import { findScenario, runScenario } from "../simulator/index.ts";
import { type MeshRun, type MeshRunOptions, runMesh } from "./mesh-run.ts";

const HELP = `Usage: npm run e2e:mesh -- [options]

Starts an origin and headless WebRTC peers on this machine, at 1 Mb/s and with a seeder that may send
three times that. Measures a steady state, then kills 30 % of the peers at once and watches the rest.
The simulator predicts the same with the same parameters.

  --peers <n>     peers (default 40)
  --seconds <n>   length of the steady state that is measured (default 60)
  --help          this text

Ends with one JSON line; the exit status is 1 unless nothing is missing in the steady state, the
offload is at least 0.85, all bytes are the origin's, and those who were not killed go on.`;

const DEADLINE_MS = 6000;
const OFFLOAD_MIN = 0.85;
const PROCESSES = 10;
const SIM_SEEDS = [1, 2, 3];

interface Prediction {
  readonly offload: number;
  readonly delayP99Ms: number;
}

/** What the simulator says of the same mesh: the mean of a few seeds. */
function predict(options: MeshRunOptions, run: MeshRun): Prediction {
  const scenario = findScenario("steady", [
    `peers=${options.peers}`,
    ...[`durationS=${20 + options.seconds}`, "warmUpS=20", `deadlineMs=${options.deadlineMs}`],
    ...[`streamKbps=${run.streamKbps}`, "blockMs=1000", `symbolBytes=${run.symbolBytes}`],
    ...[`repairRatio=${run.repairRatio}`, `originUplink=${options.originUplink}`],
    ...["mix=h1.2", `supply=${options.viewerUplink}`],
    // One machine: as near, as fast and as sure as the simulator's worlds can be.
    ...["medianRttMs=40", "jitter=0", "lossRate=0", "downlinkMbps=1000"],
  ]);
  const results = SIM_SEEDS.map((seed) => runScenario(scenario, { seed }));
  const mean = (pick: (result: (typeof results)[number]) => number): number =>
    results.reduce((sum, result) => sum + pick(result), 0) / results.length;
  return {
    offload: mean(({ offload }) => offload),
    delayP99Ms: mean(({ blockDelayMs }) => blockDelayMs.p99),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      peers: { type: "string", default: "40" },
      seconds: { type: "string", default: "60" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const options: MeshRunOptions = {
    peers: Number(values.peers),
    processes: PROCESSES,
    seconds: Number(values.seconds),
    afterCrashS: 20,
    streamKbps: 1000,
    originUplink: 3,
    viewerUplink: 3,
    deadlineMs: DEADLINE_MS,
    tell: console.log,
  };
  const run = await runMesh(options);
  const predicted = predict(options, run);
  print(options, run, predicted);
  const isGood =
    run.segments > 0 &&
    run.missing === 0 &&
    run.different === 0 &&
    run.offload >= OFFLOAD_MIN &&
    run.segmentsAfterCrash > 0;
  if (!isGood) process.exitCode = 1;
}

function print({ peers }: MeshRunOptions, run: MeshRun, predicted: Prediction): void {
  const ratio = (real: number, simulated: number): string => (real / simulated).toFixed(2);
  console.log(
    `stream ${run.streamKbps} kb/s, symbols of ${run.symbolBytes} bytes, delay p50 ${run.delayP50Ms} ms, p99 from the segment's completion ${run.fromCompletionP99Ms} ms`,
  );
  console.log(`offload / simulated: ${ratio(run.offload, predicted.offload)}`);
  console.log(`delay p99 / simulated: ${ratio(run.delayP99Ms, predicted.delayP99Ms)}`);
  const { segments, missing, different, segmentsAfterCrash, missingAfterCrash } = run;
  console.log(
    JSON.stringify({
      bench: "mesh",
      ...{ peers, segments, missing, different, segmentsAfterCrash, missingAfterCrash },
      offload: rounded(run.offload),
      delayP99Ms: run.delayP99Ms,
      simOffload: rounded(predicted.offload),
      simDelayP99Ms: Math.round(predicted.delayP99Ms),
    }),
  );
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}

if (process.argv[1] === import.meta.filename) await main();
