// One run of a scenario, in a thread of its own: its heap is what the run needs.
import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../core/index.ts";
import { runScenario } from "../simulator/index.ts";
import type { SimJob, SimMessage } from "./sim-pool.ts";
import { worldParts } from "./sim-worlds.ts";

const port = parentPort;
assert(port !== null, "this file runs as a worker thread");
const tell = (message: SimMessage) => port.postMessage(message);

const { world, seed } = workerData as SimJob;
const { scenario, protocol } = worldParts(world);
const startedAtMs = performance.now();
const cpuBefore = process.cpuUsage();
let heapBytes = 0;
const result = runScenario(scenario, {
  seed,
  protocol,
  onProgress: (doneS, durationS) => {
    const { used_heap_size, external_memory } = getHeapStatistics();
    heapBytes = Math.max(heapBytes, used_heap_size + external_memory);
    tell({ kind: "progress", share: doneS / durationS });
  },
});
const wallS = (performance.now() - startedAtMs) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
const cpuS = (user + system) / 1e6;
tell({ kind: "done", run: { result, wallS, cpuS, heapMiB: heapBytes / 2 ** 20 } });
