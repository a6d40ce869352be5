import { lossOverheadRatio, maxOffload, supplyRatio } from "../bounds.ts";
import { type Broadcast, lowerBroadcastS, segmentFloorS } from "../bounds-broadcast.ts";
import type { RunResult } from "../run-result.ts";
import type { Estimate } from "../statistics.ts";
import { MEASURES, type MeasureName, measured } from "./measures.ts";
import type { Unit } from "./number-text.ts";

/** One figure beside what no protocol can beat. */
export interface BoundRow {
  readonly name: string;
  readonly unit: Unit;
  readonly measured: Estimate;
  readonly bound: number;
  /** Which bound it is. */
  readonly from: string;
}

/** The bounds of a run's own world: its settings, and the uplinks of the viewers that were there at the end. */
export function boundRows(runs: readonly RunResult[]): readonly BoundRow[] {
  const [run] = runs;
  if (run === undefined) return [];
  const setting = (name: string) => Number(run.settings[name]);
  const rateBps = 1000 * setting("streamKbps");
  const uplinksBps = run.topology.nodes
    .filter(({ role }) => role !== "seed")
    .map(({ uplinkBps }) => uplinkBps);
  if (uplinksBps.length === 0) return [];
  const broadcast: Broadcast = {
    originBps: setting("originUplink") * rateBps,
    uplinksBps,
    bits: 8 * setting("symbolBytes"),
    hopS: setting("medianRttMs") / 2000,
  };
  const arrivalsS = lowerBroadcastS(broadcast);
  const p99Ms = 1000 * (arrivalsS[Math.ceil(0.99 * arrivalsS.length) - 1] ?? Number.NaN);
  const block = { ...broadcast, bits: (rateBps * setting("blockMs")) / 1000 };
  const pieces = Math.ceil(block.bits / broadcast.bits);
  const row = (name: MeasureName, bound: number, from: string): BoundRow => {
    const { name: words, unit } = MEASURES[name];
    return { name: words, unit, measured: measured(runs, name), bound, from };
  };
  return [
    row("symbolP99", p99Ms, "one symbol, pushed by a planner over median paths: B3"),
    row(
      "blockP99",
      1000 * segmentFloorS(block, pieces),
      "a block released at once, to the last viewer: B4",
    ),
    row(
      "offload",
      maxOffload(uplinksBps, rateBps),
      "every byte once, and what the viewers lack: B2",
    ),
    row("retransmitted", lossOverheadRatio(setting("lossRate")), "p / (1 - p): B5"),
    row("uplinkUse", Math.min(1, 1 / supplyRatio(uplinksBps, rateBps)), "demand / supply: B1"),
  ];
}
