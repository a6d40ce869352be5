import { isMainThread, Worker, workerData } from "node:worker_threads";
import { findScenario, runScenario } from "../simulator/index.ts";

/** The heap of a thread as `starling sim` gives it to a run. */
const HEAP = { maxOldGenerationSizeMb: 8192, maxYoungGenerationSizeMb: 384 };

/**
 * How fast the simulator is: 1,000 viewers for 60 virtual seconds on one core, or what the arguments
 * say: [scenario] [key=value ...]. The last line is JSON.
 */
function main(name = "offload-1k", ...assignments: readonly string[]): void {
  const scenario = findScenario(name, assignments);
  const startedAt = performance.now();
  const { peers, durationS, cost, traceHash } = runScenario(scenario, { seed: 1 });
  const wallS = (performance.now() - startedAt) / 1000;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpuS = (userCPUTime + systemCPUTime) / 1e6;
  const result = {
    bench: "simulator",
    scenario: name,
    peers,
    durationS,
    wallS: Number(wallS.toFixed(1)),
    cpuS: Number(cpuS.toFixed(1)),
    events: cost.events,
    eventsPerCpuS: Math.round(cost.events / cpuS),
    deliveredSymbols: cost.deliveredSymbols,
    peakMb: Math.round(maxRSS / 1024),
    traceHash,
  };
  for (const [key, value] of Object.entries(result)) console.log(`${key.padEnd(18)}${value}`);
  console.log(JSON.stringify(result));
}

if (isMainThread) {
  new Worker(new URL(import.meta.url), {
    workerData: process.argv.slice(2),
    resourceLimits: HEAP,
  });
} else {
  main(...(workerData as string[]));
}
