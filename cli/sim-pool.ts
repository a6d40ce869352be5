import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { RunResult } from "../simulator/index.ts";
import type { SimWorld } from "./sim-worlds.ts";

/** One run that is to be made. */
export interface SimJob {
  readonly world: SimWorld;
  readonly seed: number;
}

/** A run that was made, and what it cost on this machine. */
export interface SimRun {
  readonly result: RunResult;
  readonly wallS: number;
  /** CPU time of the whole process meanwhile: that of the run where no other runs beside it. */
  readonly cpuS: number;
  /** The most that its heap and array buffers held, read once a virtual second. */
  readonly heapMiB: number;
}

/** What a worker thread tells. */
export type SimMessage =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly run: SimRun };

export interface PoolListener {
  /** The share of its virtual time that a job has done; 1 at its end. */
  onProgress(index: number, share: number): void;
  onDone(index: number, run: SimRun): void;
}

const WORKER_FILE = new URL("./sim-worker.js", import.meta.url);
/** 10,000 peers need more than the heap that Node.js gives a thread by itself. */
const HEAP_MAX_MIB = 8192;
/** Messages live for a tenth of a virtual second: room for them to die young saves a tenth of the time. */
const YOUNG_HEAP_MAX_MIB = 384;

/**
 * Makes the runs, each in a thread of its own and `workers` at a time (one per core if undefined), and gives them
 * in the order of the jobs. Rejects with the first error of a run, or when the signal aborts; all threads are
 * stopped then.
 */
export async function runJobs(
  jobs: readonly SimJob[],
  workers: number | undefined,
  signal: AbortSignal,
  listener: PoolListener,
): Promise<readonly SimRun[]> {
  const runs: SimRun[] = [];
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < jobs.length; index = next++) {
      const job = jobs[index];
      if (job === undefined) return;
      const run = await runJob(job, both, (share) => listener.onProgress(index, share));
      runs[index] = run;
      listener.onDone(index, run);
    }
  };
  const lanes = Array.from({ length: workers ?? availableParallelism() }, lane);
  try {
    await Promise.all(lanes);
    return runs;
  } finally {
    stop.abort();
    await Promise.allSettled(lanes);
  }
}

function runJob(
  job: SimJob,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<SimRun> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(WORKER_FILE, {
      workerData: job,
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MAX_MIB,
        maxYoungGenerationSizeMb: YOUNG_HEAP_MAX_MIB,
      },
    });
    const onAbort = () => {
      reject(signal.reason);
      void worker.terminate();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    worker.on("message", (message: SimMessage) => {
      if (message.kind === "progress") onProgress(message.share);
      else resolve(message.run);
    });
    worker.on("error", reject);
    worker.on("exit", () => {
      signal.removeEventListener("abort", onAbort);
      reject(new Error(`The thread of seed ${job.seed} ended without a result.`));
    });
  });
}
