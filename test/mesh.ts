import { parseArgs } from "node:util";
import { Random } from "../core/index.ts";
import { findScenario, runScenario, UplinkDeck } from "../simulator/index.ts";
import { Lab } from "./lab.ts";
import { type MeshRun, type MeshRunOptions, runMesh } from "./mesh-run.ts";

const HELP = `Usage: npm run e2e:mesh -- [options]

Starts an origin and headless WebRTC peers on this machine, at 1 Mb/s and with a seeder that may send
three times that. Measures a steady state, then kills 30 % of the peers at once and watches the rest.
The simulator predicts the same with the same parameters.

  --peers <n>     peers (default 40)
  --seconds <n>   length of the steady state that is measured (default 60)
  --lab           each peer on a host of its own in an emulated network: uplinks of the BB20 mix
                  scaled to the stream, 20-80 ms between hosts, 0.5 % of packets lost. Linux, root
  --help          this text

Ends with one JSON line; the exit status is 1 unless nothing is missing in the steady state, the
offload is at least 0.85, all bytes are the origin's, and those who were not killed go on.`;

const DEADLINE_MS = 6000;
const OFFLOAD_MIN = 0.85;
const PROCESSES = 10;
const SIM_SEEDS = [1, 2, 3];
const STREAM_KBPS = 1000;
const ORIGIN_UPLINK = 3;

/** In the loopback world each viewer may send three times the stream. */
const LOOPBACK_UPLINK = 3;
/** Near, sure, and with links that are far wider than the budgets of those who send. */
const LOOPBACK_WORLD = [
  ...["medianRttMs=2", "lossRate=0", "downlinkMbps=1000", "mix=h1.2"],
  "idleUplinkKbps=100000",
];

/** The mean of BB20 for the stream of 3 Mb/s that it is made for. */
const LAB_SUPPLY = 2.217;
const LAB_DOWNLINK_MBPS = 50;
/** What viewers who give nothing have for what they ask. */
const LAB_IDLE_KBPS = 500;
const LAB_LOSS_SHARE = 0.005;
/** Two hosts are 20 to 80 ms apart; so are these halves. */
const LAB_DELAY_MS = { least: 10, range: 30 };
/** Links carry the headers of packets as well: budgets and the simulator's uplinks are of messages. */
const HEADERS = 1.1;
const LAB_WORLD = [
  ...["medianRttMs=100", `lossRate=${LAB_LOSS_SHARE}`, "lossBurstPackets=1", "mix=bb20"],
  ...[`downlinkMbps=${LAB_DOWNLINK_MBPS}`, `idleUplinkKbps=${LAB_IDLE_KBPS}`],
];

interface Prediction {
  readonly offload: number;
  readonly delayP99Ms: number;
}

/** What the simulator says of the same mesh: the mean of a few seeds. `world` are settings of its own. */
function predict(options: MeshRunOptions, run: MeshRun, world: readonly string[]): Prediction {
  const scenario = findScenario("steady", [
    `peers=${options.viewers.length}`,
    ...[`durationS=${20 + options.seconds}`, "warmUpS=20", `deadlineMs=${options.deadlineMs}`],
    ...[`streamKbps=${run.streamKbps}`, "blockMs=1000", `symbolBytes=${run.symbolBytes}`],
    ...[`repairRatio=${run.repairRatio}`, `originUplink=${options.originUplink}`, "jitter=0"],
    ...world,
  ]);
  const results = SIM_SEEDS.map((seed) => runScenario(scenario, { seed }));
  const mean = (pick: (result: (typeof results)[number]) => number): number =>
    results.reduce((sum, result) => sum + pick(result), 0) / results.length;
  return {
    offload: mean(({ offload }) => offload),
    delayP99Ms: mean(({ blockDelayMs }) => blockDelayMs.p99),
  };
}

interface Plan {
  readonly peers: number;
  readonly seconds: number;
}

const COMMON = {
  afterCrashS: 20,
  streamKbps: STREAM_KBPS,
  originUplink: ORIGIN_UPLINK,
  deadlineMs: DEADLINE_MS,
  tell: console.log,
};

/** All hosts are this machine. */
async function runLoopback({ peers, seconds }: Plan): Promise<boolean> {
  const address = "127.0.0.1";
  const uploadBytesPerS = LOOPBACK_UPLINK * STREAM_KBPS * 125;
  const viewers = Array.from({ length: peers }, () => ({ address, enter: [], uploadBytesPerS }));
  const place = { viewers, processes: PROCESSES, originAddress: address };
  const options: MeshRunOptions = { ...COMMON, ...place, seconds };
  return judge(options, await runMesh(options), [...LOOPBACK_WORLD, `supply=${LOOPBACK_UPLINK}`]);
}

/** Each viewer has a host and a process of its own. */
async function runInLab({ peers, seconds }: Plan): Promise<boolean> {
  const random = new Random(1);
  const deck = new UplinkDeck(random, "bb20", STREAM_KBPS * 1000, LAB_SUPPLY);
  const uplinksKbps = Array.from({ length: peers }, () => deck.deal() / 1000);
  const links = [1000 * LAB_DOWNLINK_MBPS, ...uplinksKbps].map((uplinkKbps) => ({
    uplinkKbps: Math.max(uplinkKbps, LAB_IDLE_KBPS) * HEADERS,
    downlinkKbps: 1000 * LAB_DOWNLINK_MBPS * HEADERS,
    delayMs: LAB_DELAY_MS.least + LAB_DELAY_MS.range * random.next(),
    lossShare: LAB_LOSS_SHARE,
  }));
  const lab = await Lab.start(links);
  try {
    const [origin, ...hosts] = lab.hosts;
    const viewers = hosts.map((host, index) => {
      return { ...host, uploadBytesPerS: (uplinksKbps[index] ?? 0) * 125 };
    });
    const place = { viewers, processes: peers, originAddress: origin?.address ?? "" };
    const options: MeshRunOptions = { ...COMMON, ...place, seconds };
    return judge(options, await runMesh(options), [...LAB_WORLD, `supply=${LAB_SUPPLY}`]);
  } finally {
    const traffic = await lab.stop();
    const sum = (pick: (host: (typeof traffic)[number]) => number): number =>
      traffic.reduce((total, host) => total + pick(host), 0);
    console.log(
      `packets: ${sum(({ sent }) => sent)} sent, ${sum(({ lost }) => lost)} lost at random, ${sum(({ dropped }) => dropped)} dropped by full queues`,
    );
  }
}

/** Prints what a run came to beside what the simulator says, and tells whether it was good. */
function judge(options: MeshRunOptions, run: MeshRun, world: readonly string[]): boolean {
  const predicted = predict(options, run, world);
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
      peers: options.viewers.length,
      ...{ segments, missing, different, segmentsAfterCrash, missingAfterCrash },
      offload: rounded(run.offload),
      delayP99Ms: run.delayP99Ms,
      simOffload: rounded(predicted.offload),
      simDelayP99Ms: Math.round(predicted.delayP99Ms),
    }),
  );
  const isWhole = segments > 0 && missing === 0 && different === 0;
  return isWhole && run.offload >= OFFLOAD_MIN && segmentsAfterCrash > 0;
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      peers: { type: "string", default: "40" },
      seconds: { type: "string", default: "60" },
      lab: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const lacking = values.lab ? await Lab.lacks() : undefined;
  if (lacking !== undefined) {
    console.error(`--lab: ${lacking}`);
    process.exitCode = 1;
    return;
  }
  const plan = { peers: Number(values.peers), seconds: Number(values.seconds) };
  const isGood = await (values.lab ? runInLab(plan) : runLoopback(plan));
  if (!isGood) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
