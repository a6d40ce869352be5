import ffmpeg from "fluent-ffmpeg";
import { type Ladder, renditionsOf } from "./ladder.ts";
import type { SlateFormat } from "./slate.ts";
import type { SourcePicture, TrackPlan } from "./track-plan.ts";

/**
 * Names inside a session's directory: ffmpeg runs there and is given base names only. Where there are
 * several renditions each name holds its own: `media-1.m3u8`, `init-1.mp4`, `000000041-1.m4s`.
 */
export const PLAYLIST_NAME = "media.m3u8";
export const INIT_NAME = "init.mp4";
const SEGMENT_PATTERN = "%09d.m4s";
const LADDER_NAMES = {
  playlist: "media-%v.m3u8",
  init: "init-%v.mp4",
  segment: "%09d-%v.m4s",
} as const;
/** How much of the past the private playlist names; a restart looks for lost segments there. */
const LIST_SEGMENTS = 60;

/** Bit rates of a track that cannot be copied. */
const TRANSCODED_VIDEO_KBPS = 2500;
const AUDIO_KBPS = 128;
const AUDIO_HZ = 48_000;
const THUMBNAIL_WIDTH_PX = 320;
const SLATE_KBPS = 1000;
const PICTURE_FILE = /\.(?:png|jpe?g|webp|bmp)$/i;

/** What makes pictures of other pictures. */
export interface VideoEncoder {
  /** As `ffmpeg -encoders` names it. */
  readonly name: string;
  /** What it is given beside the bit rate and the key frames. */
  readonly args: readonly string[];
  /** Whether it takes the processor's time for what it does. */
  readonly isSoftware: boolean;
}

/** libx264, as fast as it is with pictures that still look well at our bit rates. */
export const SOFTWARE_ENCODER: VideoEncoder = {
  name: "libx264",
  args: [
    ...["-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "high"],
    ...["-pix_fmt", "yuv420p", "-sc_threshold", "0"],
  ],
  isSoftware: true,
};

/** How a publish session is cut. */
export interface PackageSettings {
  readonly plan: Pick<TrackPlan, "video" | "audio"> & {
    readonly picture?: SourcePicture | undefined;
  };
  /** Renditions to encode; without them there is one, and what can be copied is. */
  readonly ladder?: Ladder | undefined;
  /** Default libx264. */
  readonly videoEncoder?: VideoEncoder | undefined;
  /** Wanted length of a segment; a copied track is cut at the next key frame. */
  readonly segmentTargetS: number;
}

/** The arguments of the ffmpeg that reads FLV on stdin and writes fMP4 segments and a playlist. */
export function packageArguments(settings: PackageSettings): string[] {
  const { ladder, segmentTargetS } = settings;
  const names = hasVariants(ladder) ? LADDER_NAMES : SINGLE_NAMES;
  return ffmpeg()
    .input("pipe:0")
    .inputOptions([
      ...["-nostdin", "-hide_banner", "-loglevel", "level+warning", "-nostats"],
      ...["-progress", "pipe:1", "-stats_period", "1"],
      ...["-analyzeduration", "1000000", "-probesize", "1000000", "-f", "flv"],
    ])
    .output(names.playlist)
    .outputOptions([
      ...(ladder === undefined ? singleOptions(settings) : ladderOptions(settings, ladder)),
      ...["-max_muxing_queue_size", "1024", "-f", "hls", "-hls_time", `${segmentTargetS}`],
      ...["-hls_list_size", `${LIST_SEGMENTS}`],
      ...["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", names.init],
      ...["-hls_segment_filename", names.segment, "-hls_flags", HLS_FLAGS],
      ...["-hls_start_number_source", "generic", "-start_number", "0"],
    ])
    ._getArguments();
}

/** Without delete_segments: with it, ffmpeg keeps no more than the playlist's length once over. */
const HLS_FLAGS = "independent_segments+program_date_time+temp_file+omit_endlist";

const SINGLE_NAMES = {
  playlist: PLAYLIST_NAME,
  init: INIT_NAME,
  segment: SEGMENT_PATTERN,
} as const;

/** Whether ffmpeg writes more than one playlist. */
function hasVariants(ladder: Ladder | undefined): ladder is Ladder {
  return ladder !== undefined && renditionsOf(ladder) > 1;
}

/** The names of the private playlists, by rendition. */
export function playlistNames(ladder: Ladder | undefined): readonly string[] {
  if (!hasVariants(ladder)) return [PLAYLIST_NAME];
  return Array.from({ length: renditionsOf(ladder) }, (_, rendition) =>
    LADDER_NAMES.playlist.replace("%v", `${rendition}`),
  );
}

function singleOptions(settings: PackageSettings): string[] {
  const { video, audio } = settings.plan;
  return [
    ...(video === "none" ? [] : ["-map", "0:v:0"]),
    ...(audio === "none" ? [] : ["-map", video === "none" ? "0:a:0" : "0:a:0?"]),
    ...["-dn", "-sn"],
    ...videoOptions(settings),
    ...audioOptions(audio),
  ];
}

/**
 * One decoder, one picture of each size, and key frames by the clock of the source: all renditions are
 * cut at the very same pictures.
 */
function ladderOptions(settings: PackageSettings, { video, audio }: Ladder): string[] {
  const { plan } = settings;
  const pads = video.map((_, rung) => `[s${rung}]`).join("");
  const scales = video.map(
    ({ heightPx }, rung) =>
      // Even sides; never larger than the source, whatever its metadata say; square pixels.
      `[s${rung}]scale=w='2*round(oh*dar/2)':h='2*trunc(min(${heightPx},ih)/2)',setsar=1[v${rung}]`,
  );
  const sound = plan.audio === "none" ? [] : ["-map", "0:a:0"];
  const rates = video.flatMap(({ kbps }, rung) => rateOptions(kbps, `:${rung}`));
  return [
    ...["-filter_complex", [`[0:v:0]split=${video.length}${pads}`, ...scales].join(";")],
    ...video.flatMap((_, rung) => ["-map", `[v${rung}]`]),
    ...[...video, ...(audio ? [0] : [])].flatMap(() => sound),
    ...["-dn", "-sn"],
    ...(plan.picture?.fps === undefined ? [] : ["-r", `${plan.picture.fps}`]),
    ...encoderOptions(settings),
    ...rates,
    ...audioOptions(plan.audio),
    ...variantOptions(settings),
  ];
}

/** Which of the outputs belong together: ffmpeg knows but one where this is not said. */
function variantOptions({ plan, ladder }: PackageSettings): string[] {
  if (!hasVariants(ladder)) return [];
  const { video, audio } = ladder;
  const variants = video.map((_, rung) =>
    plan.audio === "none" ? `v:${rung}` : `v:${rung},a:${rung}`,
  );
  if (audio) variants.push(`a:${video.length}`);
  // ffmpeg takes tabs as well, and fluent-ffmpeg makes two arguments of two words.
  return ["-var_stream_map", variants.join("\t")];
}

function videoOptions(settings: PackageSettings): string[] {
  const { video } = settings.plan;
  if (video === "none") return ["-vn"];
  if (video === "copy") return ["-c:v", "copy"];
  return [...encoderOptions(settings), ...rateOptions(TRANSCODED_VIDEO_KBPS)];
}

function encoderOptions({
  videoEncoder = SOFTWARE_ENCODER,
  segmentTargetS,
}: PackageSettings): string[] {
  return [
    ...["-c:v", videoEncoder.name, ...videoEncoder.args, "-flags:v", "+cgop"],
    ...["-force_key_frames", `expr:gte(t,n_forced*${segmentTargetS})`],
  ];
}

function audioOptions(treatment: TrackPlan["audio"]): string[] {
  if (treatment === "none") return ["-an"];
  if (treatment === "copy") return ["-c:a", "copy", "-bsf:a", "aac_adtstoasc"];
  return [...AAC_OPTIONS, "-af", "aresample=async=1"];
}

const AAC_OPTIONS = ["-c:a", "aac", "-b:a", `${AUDIO_KBPS}k`, "-ar", `${AUDIO_HZ}`, "-ac", "2"];

/** Of all videos, or of the one that `stream` names, such as ":1". */
function rateOptions(kbps: number, stream = ""): string[] {
  const video = stream === "" ? "" : `:v${stream}`;
  return [
    ...[`-b:v${stream}`, `${kbps}k`, `-maxrate${video}`, `${kbps}k`],
    ...[`-bufsize${video}`, `${kbps}k`],
  ];
}

/** The arguments of an ffmpeg that shows a picture or a clip in real time, as FLV on stdout, like the broadcast before it. */
export function slateArguments(
  file: string,
  { picture: { widthPx = 1280, heightPx = 720, fps = 30 }, hasAudio }: SlateFormat,
): string[] {
  const size = `${2 * Math.round(widthPx / 2)}:${2 * Math.round(heightPx / 2)}`;
  const repeat = PICTURE_FILE.test(file) ? ["-loop", "1"] : ["-stream_loop", "-1"];
  return ffmpeg()
    .input(file)
    .inputOptions(["-nostdin", "-loglevel", "error", "-re", ...repeat])
    .input(`anullsrc=sample_rate=${AUDIO_HZ}`)
    .inputOptions(["-re", "-f", "lavfi"])
    .output("pipe:1")
    .outputOptions([
      ...["-map", "0:v:0", ...(hasAudio ? ["-map", "1:a:0", ...AAC_OPTIONS] : [])],
      ...["-vf", `scale=${size}:force_original_aspect_ratio=decrease,pad=${size}:-1:-1,setsar=1`],
      ...["-r", `${fps}`, "-g", `${Math.max(1, Math.round(fps))}`, "-sc_threshold", "0"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
      ...["-pix_fmt", "yuv420p", ...rateOptions(SLATE_KBPS), "-f", "flv"],
    ])
    ._getArguments();
}

/** The arguments of an ffmpeg that puts the playlists of an ffconcat list behind one another, into an MP4. */
export function joinArguments(list: string, output: string): string[] {
  return ffmpeg()
    .input(list)
    .inputOptions(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
    .inputOptions(["-f", "concat", "-protocol_whitelist", "file"])
    .output(output)
    .outputOptions(["-map", "0", "-c", "copy", "-movflags", "+faststart", "-f", "mp4"])
    ._getArguments();
}

/** The arguments of an ffmpeg that makes a small JPEG of a segment's first picture. */
export function thumbnailArguments(files: readonly string[], output: string): string[] {
  return ffmpeg()
    .input(`concat:${files.join("|")}`)
    .inputOptions(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
    .inputOptions(["-skip_frame", "nokey", "-threads", "1"])
    .output(output)
    .outputOptions(["-an", "-frames:v", "1", "-threads", "1"])
    .outputOptions(["-vf", `scale=${THUMBNAIL_WIDTH_PX}:-2`, "-q:v", "5"])
    .outputOptions(["-f", "image2", "-update", "1"])
    ._getArguments();
}

/** The arguments of an ffmpeg that tries an encoder with some pictures and writes nothing. */
export function trialArguments({ name, args }: VideoEncoder): string[] {
  return ffmpeg()
    .input("color=size=256x144:rate=10:duration=0.5")
    .inputOptions(["-nostdin", "-hide_banner", "-loglevel", "error", "-f", "lavfi"])
    .output("-")
    .outputOptions(["-c:v", name, ...args, ...rateOptions(TRANSCODED_VIDEO_KBPS), "-f", "null"])
    ._getArguments();
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
