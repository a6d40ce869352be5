import {
  flashCrowdS,
  MEASURES,
  type MeasureName,
  type RunResult,
  type Unit,
} from "../simulator/index.ts";

/** A run as `starling sim run --json FILE` writes it. */
export interface CostedRun {
  readonly result: RunResult;
  /** CPU time of its process. */
  readonly cpuS: number;
  readonly heapMiB: number;
}

/** How much to run. */
export interface HeadlineSize {
  readonly isQuick: boolean;
  readonly seeds: number;
  /** Runs at a time. */
  readonly workers: number;
}

/** A world of the headline: what to run, and the smaller form of it. */
export interface HeadlineWorld {
  readonly scenario: string;
  readonly set: readonly string[];
  /** Settings of the cut-down form, after `set`. */
  readonly quick: readonly string[];
  /** At most so many seeds: large worlds take long. */
  readonly seedsMax?: number;
}

export type WorldName = keyof typeof WORLDS;

/** One line of the table. */
export interface HeadlineRow {
  readonly id: string;
  readonly what: string;
  readonly world: WorldName;
  /** A second world whose runs are paired with those of the first, seed by seed. */
  readonly beside?: WorldName;
  readonly unit: Unit;
  of(run: CostedRun, beside?: CostedRun): number;
  /** The best published result, and what no protocol can beat. */
  readonly best: string;
  readonly bound: string;
  readonly target: number;
  readonly isMoreBetter: boolean;
}

/** Without the last resort, which hides what the mesh misses. */
const NO_HTTP = ["tuning.fetchMs=0"];
/** Late enough for all to have joined and settled. */
const SMALL = ["peers=100", "joinOverS=3", "durationS=30", "warmUpS=14"];
const SMALL_CROWD = [
  "peers=20",
  "crowdPeers=180",
  "durationS=30",
  "warmUpS=10",
  "crowdAtS=12",
  "crowdOverS=4",
];
const SMALL_SYBIL = [...SMALL, "sybilHosts=25"];

/** The worlds of targets: scenario by scenario, and variants of them. */
export const WORLDS = {
  tight: { scenario: "tight-1k", set: NO_HTTP, quick: SMALL },
  speed: { scenario: "offload-1k", set: [], quick: SMALL, seedsMax: 1 },
  /** The same once more, which a setting that changes nothing tells apart. */
  tightAgain: {
    scenario: "tight-1k",
    set: [...NO_HTTP, "crowdAtS=1"],
    quick: SMALL,
    seedsMax: 1,
  },
  tightSupply: { scenario: "tight-1k", set: [...NO_HTTP, "supply=1.06"], quick: SMALL },
  bb20: {
    scenario: "bb20-10k",
    set: NO_HTTP,
    quick: ["peers=300", "joinOverS=3", "durationS=24", "warmUpS=14"],
    seedsMax: 3,
  },
  offload: { scenario: "offload-1k", set: [], quick: SMALL },
  offloadAt2S: { scenario: "offload-1k", set: ["deadlineMs=2000"], quick: SMALL },
  churn: { scenario: "churn-1k", set: NO_HTTP, quick: SMALL },
  crash: { scenario: "crash-half", set: NO_HTTP, quick: [...SMALL, "crashAtS=17"] },
  crowdBb20: { scenario: "flash-crowd-bb20", set: [], quick: SMALL_CROWD },
  crowdTight: { scenario: "flash-crowd-tight", set: [], quick: SMALL_CROWD },
  lossy: { scenario: "lossy", set: NO_HTTP, quick: SMALL },
  ridersBb20: { scenario: "free-riders-bb20", set: [], quick: SMALL },
  ridersTight: { scenario: "free-riders-tight", set: [], quick: SMALL },
  omission: { scenario: "byzantine-omission", set: [], quick: SMALL },
  collude: { scenario: "byzantine-collude", set: [], quick: SMALL },
  sybil: { scenario: "sybil", set: [], quick: [...SMALL_SYBIL, "sybils=400"] },
  sybilFree: {
    scenario: "sybil",
    set: ["attack=none", "sybils=0"],
    quick: SMALL,
  },
  polluters: { scenario: "polluters", set: [], quick: SMALL },
} as const satisfies Record<string, HeadlineWorld>;

/** Supply of the mix of the tight flash crowd, and what a viewer buffers before it starts. */
const TIGHT_SUPPLY = 1.13;
const START_BUFFER_S = 1;
const HEAP_MAX_MIB = 8192;

const GOSSIP_PP = "gossip++ at 1.18 r; P2P'08 < 2 s";
const LIFTING = "LiFTinG 86 % in 30 s";

/** The table of targets, row by row. */
export const ROWS: readonly HeadlineRow[] = [
  atMost("1a", "tight", "symbolP99", 1200, GOSSIP_PP, "530-600 ms"),
  atMost("1b", "tight", "missD4", 1e-4, GOSSIP_PP, "0"),
  atMost("1c", "tightSupply", "missD4", 1e-3, "gossip++ 1.18 r", "1.00 r", "miss at supply 1.06"),
  atMost("2a", "bb20", "symbolP99", 1500, "Chainsaw, 0.8 Mb/s", "630-740 ms"),
  atMost("2b", "bb20", "missD4", 1e-4, "Chainsaw, 0.8 Mb/s", "0"),
  offloadRow("3a", "offload", 0.985, "offload at D = 4 s"),
  offloadRow("3b", "offloadAt2S", 0.97, "offload at D = 2 s"),
  atMost("4a", "churn", "missD4", 5e-4, "–", "0"),
  atLeast("4b", "churn", "stallFree", 0.99, "CDN 98 %", "100 %"),
  atMost("4c", "churn", "surplus", 0.06, "–", "2 parities per 16 parents"),
  atLeast("5", "crash", "lossless", 0.999, "Chainsaw 99.6 %", "1 - 2.4e-4"),
  atMost("6a", "crowdBb20", "startUpP95", 1500, "CDN: 95 % < 1 s", "3.7 s to absorb"),
  {
    id: "6b",
    what: "last arrival + longest start-up / bound",
    world: "crowdTight",
    unit: "ratio",
    of: ({ result }) => absorbedByS(result) / crowdBoundS(result),
    best: "–",
    bound: "1×",
    target: 1.3,
    isMoreBetter: false,
  },
  atMost("6c", "crowdBb20", "missD4", 1e-3, "–", "0", "incumbents' miss"),
  atMost("6d", "crowdTight", "missD4", 1e-3, "–", "0", "incumbents' miss"),
  share("7a", "lossy", "FEC + retransmission", 0.08, "Kadcast 15 %", "5.3 %", ({ bytes }) => {
    return (bytes.fec + bytes.duplicate + bytes.retransmitted) / bytes.played;
  }),
  atMost("7b", "lossy", "missD4", 1e-4, "–", "0"),
  atMost("8a", "ridersBb20", "missD4", 1e-3, "50 % without harm", "0"),
  atMost("8b", "ridersTight", "missD4", 1e-3, "–", "infeasible unless evicted"),
  ...caughtRows("8c", "ridersBb20"),
  ...caughtRows("8d", "ridersTight"),
  atMost("9a", "omission", "missD4", 1e-3, "BAR Gossip 7 % late", "0"),
  atMost("9b", "collude", "missD4", 5e-3, "BAR Gossip 5 % late", "0"),
  atMost("10a", "sybil", "symbolP99", 1000, "GossipSub 1.03-1.18 s", "attack-free"),
  {
    id: "10b",
    what: "longest eclipse",
    world: "sybil",
    unit: "s",
    of: ({ result }) => result.attack?.eclipsedMaxS ?? Number.NaN,
    best: "–",
    bound: "0 s",
    target: 5,
    isMoreBetter: false,
  },
  {
    id: "10c",
    what: "origin bytes / those without an attack",
    world: "sybil",
    beside: "sybilFree",
    unit: "ratio",
    of: ({ result }, free) =>
      originBytes(result) / (free === undefined ? Number.NaN : originBytes(free.result)),
    best: "–",
    bound: "1×",
    target: 2,
    isMoreBetter: false,
  },
  count("11a", "polluters", "wrong symbols used or passed on", 0, ({ attack }) =>
    attack === undefined ? Number.NaN : attack.badAccepted + attack.badForwarded,
  ),
  share("11b", "polluters", "waste", 0.005, "1 polluter kills PPLive", "0", ({ bytes }) => {
    return bytes.wasted / bytes.played;
  }),
  share("11c", "polluters", "defence", 0.005, "Sign-All 3 %", "0.2 %", defenceShare),
  {
    id: "12a",
    what: "CPU time for 1,000 peers x 60 s",
    world: "speed",
    unit: "s",
    of: ({ cpuS, result }) => (cpuS * 60_000) / (result.peers * result.durationS),
    best: "–",
    bound: "–",
    target: 30,
    isMoreBetter: false,
  },
  {
    id: "12b",
    what: "heap for 10,000 peers, MiB",
    world: "bb20",
    unit: "count",
    of: ({ heapMiB, result }) => (heapMiB * 10_000) / result.peers,
    best: "Shadow 5 k, OPSS 100 k nodes",
    bound: "–",
    target: HEAP_MAX_MIB,
    isMoreBetter: false,
  },
  {
    id: "12c",
    what: "runs with another trace hash at the second time",
    world: "tight",
    beside: "tightAgain",
    unit: "count",
    of: ({ result }, again) =>
      Number(again !== undefined && again.result.traceHash !== result.traceHash),
    best: "–",
    bound: "0",
    target: 0,
    isMoreBetter: false,
  },
];

function measure(
  id: string,
  world: WorldName,
  name: MeasureName,
  target: number,
  texts: readonly [best: string, bound: string, what?: string],
  isMoreBetter: boolean,
): HeadlineRow {
  const { name: words, unit, of } = MEASURES[name];
  const [best, bound, what = words] = texts;
  return {
    id,
    what,
    world,
    unit,
    best,
    bound,
    target,
    isMoreBetter,
    of: ({ result }) => of(result),
  };
}

function atMost(
  id: string,
  world: WorldName,
  name: MeasureName,
  target: number,
  ...texts: readonly [best: string, bound: string, what?: string]
): HeadlineRow {
  return measure(id, world, name, target, texts, false);
}

function atLeast(
  id: string,
  world: WorldName,
  name: MeasureName,
  target: number,
  ...texts: readonly [best: string, bound: string, what?: string]
): HeadlineRow {
  return measure(id, world, name, target, texts, true);
}

function share(
  id: string,
  world: WorldName,
  what: string,
  target: number,
  best: string,
  bound: string,
  of: (result: RunResult) => number,
): HeadlineRow {
  const row = { id, what, world, unit: "share", best, bound, target, isMoreBetter: false } as const;
  return { ...row, of: ({ result }) => of(result) };
}

function count(
  id: string,
  world: WorldName,
  what: string,
  target: number,
  of: (result: RunResult) => number,
): HeadlineRow {
  return { ...share(id, world, what, target, "–", "0", of), unit: "count" };
}

/** What the mesh did not bring in time counts as the origin's, fetched or not. */
function offloadRow(id: string, world: WorldName, target: number, what: string): HeadlineRow {
  const offload = share(id, world, what, target, "66-81 %", "99.9 %", (result) => {
    return result.offload * (1 - result.missRatio.scenarioDeadline);
  });
  return { ...offload, isMoreBetter: true };
}

function caughtRows(id: string, world: WorldName): readonly HeadlineRow[] {
  const caught = share(`${id}1`, world, "caught in 30 s", 0.95, LIFTING, "100 %", ({ attack }) => {
    return attack?.caughtWithin30S ?? Number.NaN;
  });
  return [
    { ...caught, isMoreBetter: true },
    share(`${id}2`, world, "falsely caught", 0.005, "–", "0", ({ attack }) => {
      return attack?.falselyCaught ?? Number.NaN;
    }),
    share(`${id}3`, world, "defence", 0.01, "LiFTinG 8 %", "0", defenceShare),
  ];
}

/** By then after a crowd began to come, each of it that started had started. */
function absorbedByS({ settings, startUpMs }: RunResult): number {
  return Number(settings["crowdOverS"]) + startUpMs.max / 1000;
}

function crowdBoundS({ settings }: RunResult): number {
  const fromViewers = Number(settings["peers"]);
  return flashCrowdS({
    fromViewers,
    toViewers: fromViewers + Number(settings["crowdPeers"]),
    originRatio: Number(settings["originUplink"]),
    supplyRatio: TIGHT_SUPPLY,
    bufferS: START_BUFFER_S,
  });
}

function originBytes({ bytes }: RunResult): number {
  return bytes.origin + bytes.originHttp;
}

function defenceShare({ attack, bytes }: RunResult): number {
  return (attack?.defenceBytes ?? Number.NaN) / bytes.played;
}
