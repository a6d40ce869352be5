import ffmpeg from "fluent-ffmpeg";
import type { TrackPlan } from "./track-plan.ts";

/** Names inside a session's directory: ffmpeg runs there and is given base names only. */
export const PLAYLIST_NAME = "media.m3u8";
export const INIT_NAME = "init.mp4";
const SEGMENT_PATTERN = "%09d.m4s";
/** How much of the past the private playlist names; a restart looks for lost segments there. */
const LIST_SEGMENTS = 60;

/** Bit rates of a track that cannot be copied. */
const TRANSCODED_VIDEO_KBPS = 2500;
const AUDIO_KBPS = 128;
const AUDIO_HZ = 48_000;

/** How a publish session is cut. */
export interface PackageSettings {
  readonly plan: Pick<TrackPlan, "video" | "audio">;
  /** Wanted length of a segment; a copied track is cut at the next key frame. */
  readonly segmentTargetS: number;
}

/** The arguments of the ffmpeg that reads FLV on stdin and writes fMP4 segments and a playlist. */
export function packageArguments(settings: PackageSettings): string[] {
  const { plan, segmentTargetS } = settings;
  return ffmpeg()
    .input("pipe:0")
    .inputOptions([
      ...["-nostdin", "-hide_banner", "-loglevel", "level+warning", "-nostats"],
      ...["-progress", "pipe:1", "-stats_period", "1"],
      ...["-analyzeduration", "1000000", "-probesize", "1000000", "-f", "flv"],
    ])
    .output(PLAYLIST_NAME)
    .outputOptions([
      ...(plan.video === "none" ? [] : ["-map", "0:v:0"]),
      ...(plan.audio === "none" ? [] : ["-map", plan.video === "none" ? "0:a:0" : "0:a:0?"]),
      ...["-dn", "-sn"],
      ...videoOptions(plan.video, segmentTargetS),
      ...audioOptions(plan.audio),
      ...["-max_muxing_queue_size", "1024", "-f", "hls", "-hls_time", `${segmentTargetS}`],
      ...["-hls_list_size", `${LIST_SEGMENTS}`],
      ...["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", INIT_NAME],
      ...["-hls_segment_filename", SEGMENT_PATTERN, "-hls_flags", HLS_FLAGS],
      ...["-hls_start_number_source", "generic", "-start_number", "0"],
    ])
    ._getArguments();
}

/** Without delete_segments: with it, ffmpeg keeps no more than the playlist's length once over. */
const HLS_FLAGS = "independent_segments+program_date_time+temp_file+omit_endlist";

function videoOptions(treatment: TrackPlan["video"], segmentTargetS: number): string[] {
  if (treatment === "none") return ["-vn"];
  if (treatment === "copy") return ["-c:v", "copy"];
  return [
    ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "high"],
    ...["-pix_fmt", "yuv420p", "-sc_threshold", "0", "-flags:v", "+cgop"],
    ...["-force_key_frames", `expr:gte(t,n_forced*${segmentTargetS})`],
    ...rateOptions(TRANSCODED_VIDEO_KBPS),
  ];
}

function audioOptions(treatment: TrackPlan["audio"]): string[] {
  if (treatment === "none") return ["-an"];
  if (treatment === "copy") return ["-c:a", "copy", "-bsf:a", "aac_adtstoasc"];
  return [...AAC_OPTIONS, "-af", "aresample=async=1"];
}

const AAC_OPTIONS = ["-c:a", "aac", "-b:a", `${AUDIO_KBPS}k`, "-ar", `${AUDIO_HZ}`, "-ac", "2"];

function rateOptions(kbps: number): string[] {
  return ["-b:v", `${kbps}k`, "-maxrate", `${kbps}k`, "-bufsize", `${kbps}k`];
}

/** A test card to publish. */
export interface PublishTestSettings {
  /** Where to publish: rtmp://host:port/live/<stream key>, with `?filler=1` for a stand-in. */
  readonly url: string;
  /** Without end when left out. */
  readonly durationS?: number | undefined;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly fps: number;
  readonly videoKbps: number;
  /** Seconds between key frames. */
  readonly gopS: number;
}

/**
 * The arguments of an ffmpeg that publishes a moving test card with a tone, in real time.
 * testsrc2 draws its own running clock; the drawtext filter would need a font on the machine.
 */
export function publishTestArguments(settings: PublishTestSettings): string[] {
  const { url, durationS, widthPx, heightPx, fps, videoKbps, gopS } = settings;
  const gopFrames = `${Math.max(1, Math.round(gopS * fps))}`;
  return ffmpeg()
    .input(`testsrc2=size=${widthPx}x${heightPx}:rate=${fps}`)
    .inputOptions(["-nostdin", "-hide_banner", "-loglevel", "level+warning", "-nostats"])
    .inputOptions(["-re", "-f", "lavfi"])
    .input(`sine=frequency=440:sample_rate=${AUDIO_HZ}`)
    .inputOptions(["-re", "-f", "lavfi"])
    .output(url)
    .outputOptions([
      ...["-map", "0:v:0", "-map", "1:a:0"],
      ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"],
      ...["-g", gopFrames, "-keyint_min", gopFrames, "-sc_threshold", "0"],
      ...rateOptions(videoKbps),
      ...AAC_OPTIONS,
      ...(durationS === undefined ? [] : ["-t", `${durationS}`]),
      ...["-f", "flv"],
    ])
    ._getArguments();
}
