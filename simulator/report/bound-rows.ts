import type { RunResult } from "../run-result.ts";
import type { Estimate } from "../statistics.ts";
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

export function boundRows(_runs: readonly RunResult[]): readonly BoundRow[] {
  return [];
}
