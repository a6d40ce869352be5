export type { PeerSetup, Protocol } from "./protocol.ts";
export { starling } from "./protocol.ts";
export { type RunOptions, runScenario } from "./run.ts";
export type {
  AttackResult,
  ByteCounts,
  MissRatio,
  Quantiles,
  RunResult,
  Series,
  Topology,
} from "./run-result.ts";
export { findScenario, listScenarios, type Scenario } from "./scenario.ts";
export type { Settings } from "./settings.ts";
