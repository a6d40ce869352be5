import { type ChildProcess, spawn } from "node:child_process";
import type { Publisher } from "../pipeline/index.ts";

/** How long a stream stays without a broadcaster before the test card steps in. */
export const GRACE_AT_START_MS = 1000;
export const GRACE_AFTER_BROADCASTER_MS = 15_000;
const RETRY_MS = 3000;
const STOP_TIMEOUT_MS = 2000;
const ERROR_LENGTH_MAX = 400;

/**
 * Plays a test card into a stream while nobody else publishes to it. The owner calls `update`
 * about twice a second with what it knows; the card gives way as soon as a broadcaster is seen.
 */
export class TestCard {
  readonly #command: readonly [string, ...string[]];
  readonly #onFailure: (reason: string) => void;
  #process: ChildProcess | undefined;
  #notBeforeMs: number;

  /** `command` publishes the card until it is ended; `nowMs` is the studio's start. */
  constructor(
    command: readonly [string, ...string[]],
    nowMs: number,
    onFailure: (reason: string) => void,
  ) {
    this.#command = command;
    this.#notBeforeMs = nowMs + GRACE_AT_START_MS;
    this.#onFailure = onFailure;
  }

  get isPlaying(): boolean {
    return this.#process !== undefined;
  }

  /** `publisher` is who holds the stream now: the card itself, a broadcaster, or nobody. */
  update(nowMs: number, publisher: Publisher | undefined): void {
    if (publisher !== undefined && !publisher.filler) {
      this.#notBeforeMs = nowMs + GRACE_AFTER_BROADCASTER_MS;
      this.#process?.kill("SIGTERM");
      return;
    }
    // A filler that is not ours is one whose lease has yet to run out.
    if (this.#process !== undefined || publisher !== undefined || nowMs < this.#notBeforeMs) return;
    this.#notBeforeMs = nowMs + RETRY_MS;
    this.#start();
  }

  /** Ends the card and waits until it is gone. */
  async stop(): Promise<void> {
    this.#notBeforeMs = Number.POSITIVE_INFINITY;
    const child = this.#process;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
  }

  #start(): void {
    const [program, ...args] = this.#command;
    // A group of its own keeps Ctrl-C in the terminal away from it: the studio ends it in time.
    const child = spawn(program, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-ERROR_LENGTH_MAX);
    });
    child.on("error", (error) => {
      errors = error.message;
    });
    const startedAtMs = performance.now();
    child.on("close", (code) => {
      this.#process = undefined;
      const wasShort = performance.now() - startedAtMs < RETRY_MS;
      // Being evicted also ends in an error; only a card that never played is news.
      if (wasShort && code !== 0 && this.#notBeforeMs !== Number.POSITIVE_INFINITY) {
        this.#onFailure(lastLine(errors));
      }
    });
  }
}

function lastLine(output: string): string {
  return output.trim().split("\n").at(-1) ?? "";
}
