import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { publishTestArguments } from "../ingest/index.ts";

export interface PublisherOptions {
  readonly url: string;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly videoKbps?: number;
}

/** A real ffmpeg that publishes a moving picture and a tone in real time, as a broadcaster would. */
export class Publisher {
  readonly #ffmpeg: ChildProcess;
  readonly #closed: Promise<unknown>;
  #errors = "";

  constructor({ url, widthPx = 640, heightPx = 360, videoKbps = 1200 }: PublisherOptions) {
    const args = publishTestArguments({ url, widthPx, heightPx, fps: 30, videoKbps, gopS: 1 });
    this.#ffmpeg = spawn("ffmpeg", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#closed = once(this.#ffmpeg, "close");
    this.#ffmpeg.stderr?.on("data", (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-4000);
    });
  }

  /** What ffmpeg complained about. */
  get errors(): string {
    return this.#errors;
  }

  get hasEnded(): boolean {
    return this.#ffmpeg.exitCode !== null || this.#ffmpeg.signalCode !== null;
  }

  /** Ends it as a broadcaster does (SIGINT), or as a crash does (SIGKILL). */
  async end(signal: "SIGINT" | "SIGKILL" = "SIGINT"): Promise<void> {
    if (!this.hasEnded) this.#ffmpeg.kill(signal);
    await this.#closed;
  }
}
