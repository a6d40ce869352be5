import type { Logger } from "pino";

/** Work that is done again and again, never twice at a time; a failure is logged and tried again. */
export class Periodic {
  readonly #work: () => Promise<void>;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;

  /** The first time is after one interval. */
  constructor(intervalMs: number, work: () => Promise<void>, log: Logger) {
    this.#work = work;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#running ??= this.#run();
    }, intervalMs);
  }

  /** Waits for work that is being done. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await this.#work();
    } catch (error) {
      this.#log.warn({ err: error }, "regular work of the ingest failed; trying again");
    } finally {
      this.#running = undefined;
    }
  }
}
