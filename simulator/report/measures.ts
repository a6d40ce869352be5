import type { RunResult } from "../run-result.ts";
import { type Estimate, estimate } from "../statistics.ts";
import type { Unit } from "./number-text.ts";

/** One figure of a run. */
export interface Measure {
  readonly name: string;
  readonly unit: Unit;
  readonly isMoreBetter: boolean;
  of(result: RunResult): number;
}

export type MeasureName =
  | `miss${"D2" | "D4" | "D6" | "Deadline" | "Newcomers"}`
  | `${"symbol" | "block"}${"P50" | "P99"}`
  | "startUpP95"
  | "offload"
  | "originBytes"
  | "surplus"
  | "retransmitted"
  | "control"
  | "uplinkUse"
  | "lossless"
  | "stallFree";

/** The figures by which runs are compared, the most important ones first. docs/simulation.md defines each. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = {
  missD4: share("miss at 4 s", ({ missRatio }) => missRatio.d4),
  missDeadline: share("miss at the deadline", ({ missRatio }) => missRatio.scenarioDeadline),
  missNewcomers: share("miss of newcomers", ({ missRatio }) => missRatio.newcomers),
  missD2: share("miss at 2 s", ({ missRatio }) => missRatio.d2),
  missD6: share("miss at 6 s", ({ missRatio }) => missRatio.d6),
  symbolP50: delay("symbol delay p50", ({ symbolDelayMs }) => symbolDelayMs.p50),
  symbolP99: delay("symbol delay p99", ({ symbolDelayMs }) => symbolDelayMs.p99),
  blockP50: delay("block delay p50", ({ blockDelayMs }) => blockDelayMs.p50),
  blockP99: delay("block delay p99", ({ blockDelayMs }) => blockDelayMs.p99),
  startUpP95: delay("start-up p95", ({ startUpMs }) =>
    startUpMs.count === 0 ? Number.NaN : startUpMs.p95,
  ),
  offload: { ...share("offload", ({ offload }) => offload), isMoreBetter: true },
  originBytes: {
    name: "origin bytes",
    unit: "bytes",
    isMoreBetter: false,
    of: ({ bytes }) => bytes.origin + bytes.originHttp,
  },
  surplus: share(
    "FEC + duplicates",
    ({ bytes }) => (bytes.fec + bytes.duplicate + bytes.wasted) / played(bytes),
  ),
  retransmitted: share("retransmitted", ({ bytes }) => bytes.retransmitted / played(bytes)),
  control: share(
    "control + manifests",
    ({ bytes }) => (bytes.control + bytes.manifest) / played(bytes),
  ),
  uplinkUse: { ...share("uplink use", ({ uplinkUse }) => uplinkUse), isMoreBetter: true },
  lossless: { ...share("lossless viewers", (run) => run.losslessPeers), isMoreBetter: true },
  stallFree: {
    ...share("stall-free sessions", (run) => run.stallFreeSessions),
    isMoreBetter: true,
  },
};

export const MEASURE_NAMES: readonly MeasureName[] = Object.keys(MEASURES) as MeasureName[];

/** The mean of a measure over runs that differ in their seeds only. */
export function measured(runs: readonly RunResult[], name: MeasureName): Estimate {
  return estimate(runs.map((run) => MEASURES[name].of(run)));
}

function played({ played: bytes }: RunResult["bytes"]): number {
  return Math.max(1, bytes);
}

function share(name: string, of: (result: RunResult) => number): Measure {
  return { name, unit: "share", isMoreBetter: false, of };
}

function delay(name: string, of: (result: RunResult) => number): Measure {
  return { name, unit: "ms", isMoreBetter: false, of };
}
