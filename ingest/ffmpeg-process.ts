import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Logger } from "pino";
import { errorCode } from "../core/index.ts";
import { type FfmpegMessage, readableMessage } from "./ffmpeg-messages.ts";
import { type FfmpegProgress, ProgressReader } from "./ffmpeg-progress.ts";

/** After the end of its input ffmpeg writes its last segment; then it is asked, then killed. */
const FINISH_TIMEOUT_MS = 2000;
const INTERRUPT_TIMEOUT_MS = 5000;
/** Distinct messages that are remembered, to say each only once. */
const MESSAGES_MAX = 64;

/** How an ffmpeg ended. Its exit code never tells why: 0 also follows a broken input. */
export interface FfmpegExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last error that it reported, in readable words. */
  readonly lastError: string | undefined;
}

/** What to run and whom to tell. */
export interface FfmpegOptions {
  readonly binary: string;
  readonly args: readonly string[];
  /** Working directory; the arguments name files in it. */
  readonly cwd: string;
  readonly log: Logger;
  /** Each line of stderr, as ffmpeg wrote it. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Input may be written again after `write` gave false. */
  readonly onDrain: () => void;
  /** Called once, however it ended. */
  readonly onExit: (exit: FfmpegExit) => void;
}

/**
 * One supervised ffmpeg that reads stdin. It ends by itself at the end of its input, so it outlives
 * a killed origin only for the moment that its last segment takes.
 */
export class FfmpegProcess {
  /** Settles when the process is gone. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #log: Logger;
  readonly #said = new Map<string, number>();
  #lastError: FfmpegMessage | undefined;
  #progress: FfmpegProgress | undefined;
  #grownAtMs = performance.now();

  constructor({ binary, args, cwd, log, onLine, onDrain, onExit }: FfmpegOptions) {
    // Its own process group: Ctrl-C in a terminal must not cut ffmpeg off before its input ends.
    const child = spawn(binary, args, { cwd, detached: true, stdio: "pipe" });
    this.#child = child;
    this.#log = log;
    child.stdin.on("drain", onDrain);
    child.stdin.on("error", (error) => {
      if (errorCode(error) !== "EPIPE") log.debug({ err: error }, "ffmpeg's input failed");
    });
    const progress = new ProgressReader();
    createInterface(child.stdout).on("line", (line) => this.#advance(progress.push(line)));
    createInterface(child.stderr).on("line", (line) => {
      onLine?.(line);
      this.#say(readableMessage(line));
    });
    this.exited = new Promise((resolve) => {
      child.on("error", (error) => {
        const failed = child.pid === undefined ? "did not start" : "takes no signal";
        const text = `ffmpeg ${failed}: ${errorCode(error)}.`;
        this.#say({ level: "error", text, isKnown: true });
      });
      // Follows also a process that did not start.
      child.once("close", (code, signal) => {
        resolve();
        onExit({ code, signal, lastError: this.#lastError?.text });
      });
    });
  }

  /** Undefined when it did not start. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last progress report. */
  get progress(): FfmpegProgress | undefined {
    return this.#progress;
  }

  /** Milliseconds since the written media time last grew. */
  get stalledMs(): number {
    return performance.now() - this.#grownAtMs;
  }

  /** Writes input. False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean {
    return this.#child.stdin.writable ? this.#child.stdin.write(bytes) : true;
  }

  /** Ends the input and waits for the process to go: by itself, by SIGINT, at last by SIGKILL. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const interrupt = setTimeout(() => this.#signal("SIGINT"), FINISH_TIMEOUT_MS);
    const kill = setTimeout(() => {
      this.#log.warn("ffmpeg does not stop; it is killed");
      this.#signal("SIGKILL");
    }, FINISH_TIMEOUT_MS + INTERRUPT_TIMEOUT_MS);
    await this.exited;
    clearTimeout(interrupt);
    clearTimeout(kill);
  }

  /** To its whole group: what it has started, such as a wrapper's real ffmpeg, must not outlive it. */
  #signal(signal: "SIGINT" | "SIGKILL"): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw error;
    }
  }

  #advance(report: FfmpegProgress | undefined): void {
    if (report === undefined) return;
    if (report.outTimeMs > (this.#progress?.outTimeMs ?? 0)) this.#grownAtMs = performance.now();
    this.#progress = report;
  }

  /** Logs each meaning once; ffmpeg repeats itself with every frame. */
  #say(message: FfmpegMessage): void {
    const { level, text, isKnown } = message;
    if (text === "") return;
    if (level === "error" && (isKnown || !this.#lastError?.isKnown)) this.#lastError = message;
    const times = (this.#said.get(text) ?? 0) + 1;
    if (times > 1 || this.#said.size < MESSAGES_MAX) this.#said.set(text, times);
    if (times === 1 && this.#said.size < MESSAGES_MAX) this.#log[level](`ffmpeg: ${text}`);
  }
}
