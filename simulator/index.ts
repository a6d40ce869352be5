export { flashCrowdS } from "./bounds.ts";
export type { PeerSetup, Protocol } from "./protocol.ts";
export { starling } from "./protocol.ts";
export { findProtocol, PROTOCOLS } from "./protocols.ts";
export { boundRows } from "./report/bound-rows.ts";
export { MEASURE_NAMES, MEASURES, type MeasureName, measured } from "./report/measures.ts";
export { estimateText, numberText, type Unit } from "./report/number-text.ts";
export { type ReportContent, reportPage } from "./report/report.ts";
export type { RunGroup } from "./report/report-charts.ts";
export { type SweptGroup, sweepCharts } from "./report/sweep-charts.ts";
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
export { SETTING_WORDS } from "./setting-words.ts";
export { DEFAULT_SETTINGS, type Settings } from "./settings.ts";
export { type Estimate, estimate, isSignificant, pairedDifference } from "./statistics.ts";
export { UplinkDeck } from "./workload.ts";
