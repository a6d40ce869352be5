import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** One kind of broadcast, as a real encoder makes it. */
export interface IngestCase {
  readonly name: string;
  /** Inputs and codecs for ffmpeg, without the output; empty: GStreamer makes the media itself. */
  readonly media: readonly string[];
  readonly video: "h264" | "h265" | "none";
  readonly audio: boolean;
  /** What the doctor has to say of it, if it plays. */
  readonly findings: readonly string[];
}

const SECONDS = 24;
const SECONDS_4K = 16;
const BOTH = { video: "h264", audio: true } as const;
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
  { ...BOTH, name: "H.264 + AAC", media: [...PICTURE, ...SOUND, ...H264, ...AAC], findings: [] },
  { ...BOTH, name: "x264 live", media: [], findings: [] },
  {
    video: "h265",
    audio: true,
    name: "HEVC",
    media: [...PICTURE, ...SOUND, "-c:v", "libx265", "-preset", "ultrafast", "-g", "30", ...AAC],
    findings: [],
  },
  {
    video: "none",
    audio: true,
    name: "audio only",
    media: ["-t", `${SECONDS}`, ...SOUND, ...AAC],
    findings: ["video-missing"],
  },
  {
    ...BOTH,
    audio: false,
    name: "video only",
    media: [...PICTURE, ...H264],
    findings: ["audio-missing"],
  },
  {
    ...BOTH,
    name: "60 fps",
    media: [...picture("640x360", 60), ...SOUND, ...h264(60, "-bf", "0"), ...AAC],
    findings: [],
  },
  {
    ...BOTH,
    name: "8 s GOP",
    media: [...PICTURE, ...SOUND, ...h264(240, "-bf", "0"), ...AAC],
    findings: ["keyframe-interval-long"],
  },
  {
    ...BOTH,
    name: "B-frames",
    media: [...PICTURE, ...SOUND, ...h264(30, "-bf", "3"), ...AAC],
    findings: ["b-frames"],
  },
  {
    ...BOTH,
    name: "VFR",
    media: [...PICTURE, ...SOUND, ...VFR, ...h264(20, "-bf", "0"), ...AAC],
    findings: ["frame-rate-variable"],
  },
  {
    ...BOTH,
    name: "mono 22 kHz",
    media: [...PICTURE, ...SOUND, ...H264, "-c:a", "aac", "-ac", "1", "-ar", "22050"],
    findings: ["audio-rate"],
  },
  {
    ...BOTH,
    name: "4K",
    media: [
      ...[...picture("3840x2160", 30, SECONDS_4K), ...SOUND, ...h264(30, "-bf", "0")],
      ...["-b:v", "16M", "-minrate", "16M", "-maxrate", "16M", "-bufsize", "16M"],
      ...["-x264-params", "nal-hrd=cbr", ...AAC],
    ],
    findings: ["bitrate-high"],
  },
];

/**
 * Encodes a case ahead of time, so that publishing it takes no time of the machine; gives the file, or
 * undefined where there is nothing to encode.
 */
export async function encodeCase(
  { name, media }: IngestCase,
  folder: string,
): Promise<string | undefined> {
  if (media.length === 0) return undefined;
  const file = join(folder, `${name.replace(/[^A-Za-z0-9]+/g, "-")}.mp4`);
  const quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"];
  await promisify(execFile)("ffmpeg", [...quiet, ...media, "-shortest", file]);
  return file;
}
