import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { errorCode, StarlingError } from "../core/index.ts";
import { readableMessage, SRT_CODEC_REFUSAL } from "./ffmpeg-messages.ts";
import { FlvReader } from "./flv-reader.ts";
import { RestartPace } from "./restart-pace.ts";
import type { PublisherControl, TagSink } from "./rtmp/connection.ts";
import { type SrtDoor, srtArguments, withoutPassphrase } from "./srt-command.ts";

/** After a caller has left; an encoder that comes back at once is not made to wait. */
const REOPEN_MS = 50;
/** How often it is looked for silence. */
const TICK_MS = 500;
const KILL_AFTER_MS = 5000;
const LEFT = "The SRT connection ended.";

type Receiver = ChildProcessByStdio<null, Readable, Readable>;

/** One stream's SRT port. */
export interface SrtListenerOptions {
  readonly door: SrtDoor;
  readonly host: string;
  readonly ffmpegPath: string;
  readonly silenceTimeoutMs: number;
  /** Takes the stream. A StarlingError refuses the caller. */
  readonly open: (control: PublisherControl) => Promise<TagSink>;
  /** Told when a caller cannot be taken for what it sends. */
  readonly onRefused: (code: string, reason: string) => void;
  readonly log: Logger;
}

/**
 * Keeps an ffmpeg waiting on one SRT port, and hands on what its caller sends as an RTMP publisher's tags
 * are. One caller at a time; a port that is taken is tried again and again.
 */
export class SrtListener {
  readonly #options: SrtListenerOptions;
  readonly #log: Logger;
  readonly #pace = new RestartPace(Math.random);
  #caller: SrtCaller | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SrtListenerOptions) {
    this.#options = options;
    this.#log = options.log.child({ stream: options.door.stream, srtPort: options.door.port });
    this.#wait();
  }

  /** Ends the caller and the port. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#caller?.close("ingest-closing", "The origin is shutting down.");
  }

  #wait(): void {
    const startedAtMs = performance.now();
    const caller = new SrtCaller(this.#options, this.#log);
    this.#caller = caller;
    void caller.gone.then((hadMedia) => {
      if (this.#closed) return;
      const ranMs = performance.now() - startedAtMs;
      const pauseMs = hadMedia ? REOPEN_MS : this.#pace.pauseMs(ranMs, true);
      this.#timer = setTimeout(() => this.#wait(), pauseMs);
    });
  }
}

/** One receiving ffmpeg, from its start to the end of its one caller. */
class SrtCaller {
  /** Settles when ffmpeg is gone: whether any media came. */
  readonly gone: Promise<boolean>;
  readonly #options: SrtListenerOptions;
  readonly #log: Logger;
  readonly #child: Receiver;
  readonly #reader = new FlvReader();
  readonly #watch: NodeJS.Timeout;
  #sink: TagSink | undefined;
  #opening = false;
  #ended = false;
  /** When media last came or were last taken by the sink; undefined before the first. */
  #mediaAtMs: number | undefined;

  constructor(options: SrtListenerOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    const args = srtArguments(options.host, options.door);
    const child = spawn(options.ffmpegPath, args, {
      detached: true, // Ctrl-C in a terminal is for the origin, which ends it in time.
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const said = new Set<string>();
    createInterface(child.stderr).on("line", (line) => this.#say(withoutPassphrase(line), said));
    child.stdout.on("data", (bytes: Uint8Array) => this.#read(bytes));
    child.on("error", (error) => log.error({ err: error }, "the SRT port's ffmpeg failed"));
    this.#watch = setInterval(() => this.#look(), TICK_MS);
    this.gone = new Promise((resolve) => {
      child.once("close", () => {
        this.#end("srt-disconnected", LEFT);
        resolve(this.#mediaAtMs !== undefined);
      });
    });
  }

  /** Lets the caller go, and settles when ffmpeg is gone. */
  async close(code: string, reason: string): Promise<void> {
    this.#end(code, reason);
    await this.gone;
  }

  #read(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#mediaAtMs = performance.now();
    try {
      this.#reader.push(bytes);
      if (this.#sink === undefined) void this.#open();
      else this.#pass(this.#sink);
    } catch (error) {
      this.#refuse(error);
    }
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    this.#child.stdout.pause();
    try {
      const sink = await this.#options.open({
        resume: () => this.#resume(),
        close: (code, reason) => this.#end(code, reason),
      });
      if (this.#ended) {
        sink.end("srt-disconnected", LEFT);
        return;
      }
      this.#sink = sink;
      this.#child.stdout.resume();
      this.#pass(sink);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #pass(sink: TagSink): void {
    let isTaken = true;
    for (let tag = this.#reader.next(); tag !== undefined; tag = this.#reader.next()) {
      isTaken = sink.write(tag) && isTaken;
      if (this.#ended) return;
    }
    if (!isTaken) this.#child.stdout.pause();
  }

  #resume(): void {
    this.#mediaAtMs = performance.now();
    this.#child.stdout.resume();
  }

  #refuse(error: unknown): void {
    if (error instanceof StarlingError) this.#end(error.code, error.message);
    else {
      this.#log.error({ err: error }, "an SRT caller could not be let in");
      this.#end("ingest-fault", "The origin has a fault of its own.");
    }
  }

  #look(): void {
    const { silenceTimeoutMs } = this.#options;
    if (this.#mediaAtMs === undefined || this.#child.stdout.isPaused()) return;
    if (performance.now() - this.#mediaAtMs < silenceTimeoutMs) return;
    this.#end("srt-silence", `No audio or video for ${silenceTimeoutMs / 1000} s.`);
  }

  #end(code: string, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#watch);
    if (this.#mediaAtMs !== undefined) this.#log.info({ code }, `SRT publisher gone: ${reason}`);
    this.#sink?.end(code, reason);
    this.#child.stdout.resume(); // What is still to come is thrown away.
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), KILL_AFTER_MS);
    void this.gone.then(() => clearTimeout(timer));
  }

  #signal(signal: "SIGTERM" | "SIGKILL"): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw error;
    }
  }

  /** Each meaning once; ffmpeg repeats itself. */
  #say(line: string, said: Set<string>): void {
    const { level, text } = readableMessage(line);
    if (this.#ended || said.has(text) || said.size > 20) return;
    said.add(text);
    this.#log[level](`SRT: ${text}`);
    if (text === SRT_CODEC_REFUSAL) this.#options.onRefused("srt-codec", text);
  }
}
