import { parentPort, workerData } from "node:worker_threads";
import { assert, errorCode } from "../core/index.ts";
import { type CodingOptions, runCodingTask } from "./coding-task.ts";
import type { ThreadAnswer, ThreadRequest } from "./coding-threads.ts";

/** The entry of a coding thread: answers each request in turn. */

const port = parentPort;
assert(port !== null, "this file runs as a worker thread");
const options = workerData as CodingOptions;

port.on("message", (request: ThreadRequest) => void answer(request));

async function answer({ id, task }: ThreadRequest): Promise<void> {
  port?.postMessage(await answerTo(id, task));
}

async function answerTo(id: number, task: ThreadRequest["task"]): Promise<ThreadAnswer> {
  try {
    return { id, result: await runCodingTask(task, options) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, failure: { code: errorCode(error) ?? "coding-failed", message } };
  }
}
