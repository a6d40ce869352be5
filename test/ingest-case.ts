import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";

/** One kind of broadcast, as a real encoder makes it. */
export interface IngestCase {
  readonly name: string;
  /** Inputs and codecs for ffmpeg, without the output. */
  readonly media: readonly string[];
  /** What the doctor has to say of it, if it plays. */
  readonly findings: readonly string[];
}

const SECONDS = 24;
const SECONDS_4K = 8;
const SOUND = ["-f", "lavfi", "-i", "sine=sample_rate=48000"];
const AAC = ["-c:a", "aac", "-b:a", "128k", "-ac", "2"];

function picture(size: string, fps: number, seconds = SECONDS): string[] {
  return ["-t", `${seconds}`, "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${fps}`];
}

function h264(gopFrames: number, ...more: readonly string[]): string[] {
  const gop = ["-g", `${gopFrames}`, "-keyint_min", `${gopFrames}`, "-sc_threshold", "0"];
  return ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", ...gop, ...more];
}

const PICTURE = picture("640x360", 30);
const H264 = h264(30, "-bf", "0");
/** Frames are left out here and there, and not in a pattern. */
const VFR = ["-vf", "select='gt(mod(n*n,11),4)'", "-vsync", "vfr"];

/** What broadcasters send, well set and not so well. */
export const INGEST_CASES: readonly IngestCase[] = [
  { name: "H.264 + AAC", media: [...PICTURE, ...SOUND, ...H264, ...AAC], findings: [] },
  {
    name: "HEVC",
    media: [...PICTURE, ...SOUND, "-c:v", "libx265", "-preset", "ultrafast", "-g", "30", ...AAC],
    findings: [],
  },
  {
    name: "audio only",
    media: ["-t", `${SECONDS}`, ...SOUND, ...AAC],
    findings: ["video-missing"],
  },
  { name: "video only", media: [...PICTURE, ...H264], findings: ["audio-missing"] },
  {
    name: "60 fps",
    media: [...picture("640x360", 60), ...SOUND, ...h264(60, "-bf", "0"), ...AAC],
    findings: [],
  },
  {
    name: "8 s GOP",
    media: [...PICTURE, ...SOUND, ...h264(240, "-bf", "0"), ...AAC],
    findings: ["keyframe-interval-long"],
  },
  {
    name: "B-frames",
    media: [...PICTURE, ...SOUND, ...h264(30, "-bf", "3"), ...AAC],
    findings: ["b-frames"],
  },
  {
    name: "VFR",
    media: [...PICTURE, ...SOUND, ...VFR, ...h264(20, "-bf", "0"), ...AAC],
    findings: ["frame-rate-variable"],
  },
  {
    name: "mono 22 kHz",
    media: [...PICTURE, ...SOUND, ...H264, "-c:a", "aac", "-ac", "1", "-ar", "22050"],
    findings: ["audio-rate"],
  },
  {
    name: "4K",
    media: [
      ...[...picture("3840x2160", 30, SECONDS_4K), ...SOUND, ...h264(30, "-bf", "0")],
      ...["-b:v", "16M", "-minrate", "16M", "-maxrate", "16M", "-bufsize", "16M"],
      ...["-x264-params", "nal-hrd=cbr", ...AAC],
    ],
    findings: ["bitrate-high"],
  },
];

/** Encodes a case ahead of time, so that publishing it takes no time of the machine; gives the file. */
export async function encodeCase({ name, media }: IngestCase, folder: string): Promise<string> {
  const file = join(folder, `${name.replace(/[^A-Za-z0-9]+/g, "-")}.mkv`);
  const quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"];
  await promisify(execFile)("ffmpeg", [...quiet, ...media, "-shortest", file]);
  return file;
}

/** A real ffmpeg that publishes a file again and again, in real time. */
export class FilePublisher {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  /** What it complained about. */
  said = "";

  constructor(file: string, url: string) {
    const format = url.startsWith("srt:") ? "mpegts" : "flv";
    const quiet = ["-nostdin", "-hide_banner", "-loglevel", "error"];
    const input = ["-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-f", format, url];
    this.#child = spawn("ffmpeg", [...quiet, ...input], { stdio: ["ignore", "ignore", "pipe"] });
    this.#closed = once(this.#child, "close");
    this.#child.stderr?.on("data", (chunk) => {
      this.said = `${this.said}${chunk}`.slice(-4000);
    });
  }

  /** This ffmpeg cannot send the codec in the protocol's own format at all. */
  get cannotSend(): boolean {
    return this.hasEnded && /not compatible with flv/.test(this.said);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async end(): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.#closed;
  }
}
