import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { basename, dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";

const WIDTH_PX = 320;
const HEIGHT_PX = 64;
const FPS = 30;
/** Each bit of the clock is a square, black or white: an encoder leaves its middle as it is. */
const SQUARE_PX = 16;
const SQUARES_PER_ROW = WIDTH_PX / SQUARE_PX;
/** Of milliseconds since the UNIX epoch. */
const CLOCK_BITS = 44;
const FRAME_BYTES = WIDTH_PX * HEIGHT_PX;
const WHITE = 235;
const BLACK = 16;
const DECODED_BYTES_MAX = 1 << 28;

/** A real encoder whose every picture shows when it was made. */
export class ClockPublisher {
  readonly #ffmpeg: ChildProcessByStdio<Writable, null, Readable>;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAtMs = performance.now();
  #frames = 0;
  #said = "";

  constructor(url: string) {
    const picture = [
      "-f",
      "rawvideo",
      "-pix_fmt",
      "gray",
      "-video_size",
      `${WIDTH_PX}x${HEIGHT_PX}`,
    ];
    const codec = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"];
    const gop = ["-g", `${FPS}`, "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-qp", "10"];
    this.#ffmpeg = spawn(
      "ffmpeg",
      [
        ...["-nostdin", "-loglevel", "error", "-probesize", "32", "-fflags", "nobuffer"],
        ...[...picture, "-framerate", `${FPS}`, "-i", "pipe:0"],
        ...["-f", "lavfi", "-i", "sine=sample_rate=48000", ...codec, ...gop, "-c:a", "aac"],
        ...["-flush_packets", "1", "-f", "flv", url],
      ],
      { stdio: ["pipe", "ignore", "pipe"] },
    );
    this.#ffmpeg.stdin.on("error", () => {}); // What it says tells why.
    this.#ffmpeg.stderr.on("data", (text) => {
      this.#said += text;
    });
    this.#timer = setInterval(() => this.#draw(), 1000 / FPS / 4);
  }

  /** What it complained about. */
  get said(): string {
    return this.#said;
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    const { exitCode, signalCode } = this.#ffmpeg;
    if (exitCode !== null || signalCode !== null) return;
    this.#ffmpeg.kill("SIGKILL");
    await once(this.#ffmpeg, "close");
  }

  /** The picture that is due, if one is; after a pause those that were missed are made up, late as they are. */
  #draw(): void {
    while (performance.now() - this.#startedAtMs >= (this.#frames * 1000) / FPS) {
      this.#frames += 1;
      this.#ffmpeg.stdin.write(clockPicture(Date.now()));
    }
  }
}

function clockPicture(atMs: number): Uint8Array {
  const picture = new Uint8Array(FRAME_BYTES).fill(BLACK);
  for (let bit = 0; bit < CLOCK_BITS; bit++) {
    if (Math.floor(atMs / 2 ** bit) % 2 === 0) continue;
    const { x, y } = squareOf(bit);
    for (let row = y; row < y + SQUARE_PX; row++) {
      picture.fill(WHITE, row * WIDTH_PX + x, row * WIDTH_PX + x + SQUARE_PX);
    }
  }
  return picture;
}

function squareOf(bit: number): { x: number; y: number } {
  return {
    x: (bit % SQUARES_PER_ROW) * SQUARE_PX,
    y: Math.floor(bit / SQUARES_PER_ROW) * SQUARE_PX,
  };
}

/** When each picture of a segment was made, milliseconds since the UNIX epoch. `path` is the segment's file. */
export async function clocksIn(path: string, init: string): Promise<number[]> {
  const args = ["-nostdin", "-loglevel", "error", "-i", `concat:${init}|${basename(path)}`];
  const { stdout } = await promisify(execFile)(
    "ffmpeg",
    [...args, "-an", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
    { cwd: dirname(path), encoding: "buffer", maxBuffer: DECODED_BYTES_MAX },
  );
  const clocks: number[] = [];
  for (let at = 0; at + FRAME_BYTES <= stdout.length; at += FRAME_BYTES) {
    clocks.push(clockOf(stdout.subarray(at, at + FRAME_BYTES)));
  }
  return clocks;
}

function clockOf(picture: Uint8Array): number {
  let atMs = 0;
  for (let bit = 0; bit < CLOCK_BITS; bit++) {
    const { x, y } = squareOf(bit);
    const middle = (y + SQUARE_PX / 2) * WIDTH_PX + x + SQUARE_PX / 2;
    if ((picture[middle] ?? 0) > (WHITE + BLACK) / 2) atMs += 2 ** bit;
  }
  return atMs;
}
