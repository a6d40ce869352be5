import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { StarlingError } from "../core/index.ts";

/** The exit status of a role that refuses to start, e.g. because its port is taken. */
export const EXIT_REFUSED = 2;

const BACK_OFF_MIN_MS = 500;
const BACK_OFF_MAX_MS = 15_000;
/** A child that lived this long has recovered: its next restart begins at the shortest pause. */
const RECOVERED_AFTER_MS = 30_000;
/** The exit status that a shell gives for a program that it cannot start. */
const COMMAND_NOT_FOUND = 127;
const LINE_LENGTH_MAX = 16 * 1024;

export interface ChildSpec {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Asked again at each start, so that a restarted child learns what has become known since. */
  readonly environment: () => Record<string, string | undefined>;
}

export type ChildEvent =
  | { readonly type: "line"; readonly child: string; readonly line: string }
  | { readonly type: "ready"; readonly child: string; readonly isRestart: boolean }
  | {
      readonly type: "ended";
      readonly child: string;
      readonly reason: string;
      readonly restartInMs: number;
    };

/** What a child says over IPC once it works; `details` is its own affair (e.g. its port). */
export interface ReadyMessage {
  readonly type: "ready";
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * One child process that is started again whenever it ends, with growing pauses, until `stop()`.
 * It gets a process group of its own, so that Ctrl-C in the terminal reaches the studio alone and
 * the studio decides the order in which things stop. Its IPC channel closes when we are gone.
 */
export class SupervisedChild {
  /** Resolves at the first "ready"; rejects when the child refuses to start or is stopped before. */
  readonly ready: Promise<ReadyMessage["details"]>;
  readonly #spec: ChildSpec;
  readonly #onEvent: (event: ChildEvent) => void;
  #settleReady: {
    resolve: (details: ReadyMessage["details"]) => void;
    reject: (error: Error) => void;
  };
  #process: ChildProcess | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #wasReady = false;
  #isStopping = false;
  #onEnded: (() => void) | undefined;

  constructor(spec: ChildSpec, onEvent: (event: ChildEvent) => void) {
    this.#spec = spec;
    this.#onEvent = onEvent;
    const { promise, ...settle } = settleable<ReadyMessage["details"]>();
    this.ready = promise;
    this.#settleReady = settle;
    // The owner may look only later, or never.
    promise.catch(() => undefined);
  }

  get name(): string {
    return this.#spec.name;
  }

  /** The running process, if there is one now. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const [program, ...args] = this.#spec.command;
    const startedAtMs = performance.now();
    const child = spawn(program, args, {
      detached: true,
      env: this.#spec.environment(),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#process = child;
    this.#readLines(child.stdout);
    this.#readLines(child.stderr);
    child.on("message", (message) => this.#onMessage(message));
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      this.#process = undefined;
      if (performance.now() - startedAtMs > RECOVERED_AFTER_MS) this.#failures = 0;
      this.#ended(code, signal);
    };
    // Not "close": a grandchild that holds the output open must not delay the restart.
    child.on("exit", ended);
    child.on("error", (error) => {
      this.#emitLine(`cannot start: ${error.message}`);
      if (child.pid === undefined) ended(COMMAND_NOT_FOUND, null);
    });
  }

  /** Asks the child to end (SIGTERM), kills its whole group after `graceMs`, resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    this.#settleReady.reject(new StarlingError("child-stopped", `${this.name} was stopped`));
    if (this.#process === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), graceMs);
    await ended;
    clearTimeout(timer);
  }

  /** Kills the child and whatever it started, at once. */
  kill(): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // The group ended by itself in the meantime.
    }
  }

  #onMessage(message: unknown): void {
    if (!isReadyMessage(message)) return;
    this.#settleReady.resolve(message.details);
    this.#onEvent({ type: "ready", child: this.name, isRestart: this.#wasReady });
    this.#wasReady = true;
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopping) {
      this.#onEnded?.();
      return;
    }
    if (code === EXIT_REFUSED && !this.#wasReady) {
      this.#settleReady.reject(new StarlingError("child-refused", `${this.name} did not start`));
      return;
    }
    const restartInMs = Math.min(BACK_OFF_MIN_MS * 2 ** this.#failures, BACK_OFF_MAX_MS);
    this.#failures += 1;
    const reason = signal === null ? `status ${code}` : `signal ${signal}`;
    this.#onEvent({ type: "ended", child: this.name, reason, restartInMs });
    this.#restartTimer = setTimeout(() => this.start(), restartInMs);
  }

  #readLines(stream: Readable | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on("line", (line) => this.#emitLine(line));
  }

  #emitLine(line: string): void {
    this.#onEvent({ type: "line", child: this.name, line: line.slice(0, LINE_LENGTH_MAX) });
  }
}

function isReadyMessage(message: unknown): message is ReadyMessage {
  return (
    typeof message === "object" &&
    message !== null &&
    "type" in message &&
    message.type === "ready" &&
    "details" in message &&
    typeof message.details === "object"
  );
}

function settleable<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}
