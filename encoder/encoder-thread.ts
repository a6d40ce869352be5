import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import type { EncodeLoop, EncodeLoopOptions } from "./encode-loop.ts";
import { relayLine } from "./thread-log.ts";

const THREAD_FILE = new URL("./worker.js", import.meta.url);
const RESTART_DELAY_MS = 1000;

/** An encode loop in a thread of its own. A thread that dies is replaced; its job is done again. */
export class EncoderThread implements EncodeLoop {
  readonly #options: EncodeLoopOptions;
  readonly #log: Logger;
  #worker: Worker;
  #exited: Promise<void>;
  #restart: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EncodeLoopOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    [this.#worker, this.#exited] = this.#start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    this.#worker.postMessage("close");
    await this.#exited;
  }

  #start(): [Worker, Promise<void>] {
    const worker = new Worker(THREAD_FILE, { workerData: this.#options });
    worker.on("message", (line: string) => relayLine(line, this.#log));
    worker.on("error", (error) => {
      this.#log.error({ err: error }, "a coding thread died: another takes its place");
    });
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", () => {
        resolve();
        if (!this.#closed) this.#restart = setTimeout(() => this.#replace(), RESTART_DELAY_MS);
      });
    });
    return [worker, exited];
  }

  #replace(): void {
    [this.#worker, this.#exited] = this.#start();
  }
}
