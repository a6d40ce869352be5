import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { publishTestArguments } from "../ingest/index.ts";

export interface PublisherOptions {
  readonly url: string;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly videoKbps?: number;
  /** Seconds between key frames; by default 1. */
  readonly gopS?: number | undefined;
  /** Send noise, of about 5 MB a second, with a key frame every three seconds. */
  readonly noise?: boolean;
}

/** A real ffmpeg that publishes a moving picture and a tone in real time, as a broadcaster would. */
export class Publisher {
  readonly #ffmpeg: ChildProcess;
  readonly #closed: Promise<unknown>;
  #errors = "";

  constructor(options: PublisherOptions) {
    const {
      url,
      widthPx = 640,
      heightPx = 360,
      videoKbps = 1200,
      gopS = 1,
      noise = false,
    } = options;
    const args = noise
      ? noiseArguments(url)
      : publishTestArguments({ url, widthPx, heightPx, fps: 30, videoKbps, gopS });
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

/** Noise does not compress: 25 pictures of 336 x 256 are 5 MB, at any bitrate that one could ask for. */
function noiseArguments(url: string): string[] {
  return [
    ...["-nostdin", "-hide_banner", "-loglevel", "level+warning", "-nostats"],
    ...["-re", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "336x256"],
    ...["-framerate", "25", "-i", "/dev/urandom"],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-qp", "1", "-g", "75", "-sc_threshold", "0"],
    ...["-f", "flv", url],
  ];
}
