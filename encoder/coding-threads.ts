import { Worker } from "node:worker_threads";
import { StarlingError } from "../core/index.ts";
import type { CodingOptions, CodingResult, CodingTask } from "./coding-task.ts";

export interface ThreadRequest {
  readonly id: number;
  readonly task: CodingTask;
}

/** A result, or the code and message of a StarlingError. */
export type ThreadAnswer =
  | { readonly id: number; readonly result: CodingResult }
  | { readonly id: number; readonly failure: { readonly code: string; readonly message: string } };

interface Waiter {
  resolve(result: CodingResult): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiters: Map<number, Waiter>;
}

const THREAD_FILE = new URL("./worker.js", import.meta.url);

/**
 * A fixed number of threads that code blocks, so that the event loop never waits for one. A thread
 * that dies fails its tasks and is replaced. The caller bounds how many tasks wait.
 */
export class CodingThreads {
  readonly #options: CodingOptions;
  readonly #threads: Thread[];
  #lastId = 0;
  #closed = false;

  constructor(count: number, options: CodingOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: count }, (_, place) => this.#start(place));
  }

  /** Codes a block on the thread with the least to do. Rejects with the task's StarlingError. */
  run(task: CodingTask): Promise<CodingResult> {
    const { worker, waiters } = this.#threads.reduce((a, b) =>
      b.waiters.size < a.waiters.size ? b : a,
    );
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      waiters.set(id, { resolve, reject });
      worker.postMessage({ id, task } satisfies ThreadRequest);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(place: number): Thread {
    const worker = new Worker(THREAD_FILE, { workerData: this.#options });
    const thread: Thread = { worker, waiters: new Map() };
    let cause: unknown;
    worker.on("message", (answer: ThreadAnswer) => settle(thread, answer));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => {
      const error = new StarlingError("coding-thread-died", "A coding thread ended.", { cause });
      for (const { reject } of thread.waiters.values()) reject(error);
      if (!this.#closed) this.#threads[place] = this.#start(place);
    });
    return thread;
  }
}

function settle({ waiters }: Thread, answer: ThreadAnswer): void {
  const waiter = waiters.get(answer.id);
  waiters.delete(answer.id);
  if ("result" in answer) waiter?.resolve(answer.result);
  else waiter?.reject(new StarlingError(answer.failure.code, answer.failure.message));
}
