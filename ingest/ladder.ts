import type { RenditionPolicy, Rung } from "../core/index.ts";
import type { SourcePicture, TrackPlan } from "./track-plan.ts";

/** A picture that ffmpeg makes. */
export interface VideoRung {
  /** At the most: ffmpeg takes the source's if that is less. */
  readonly heightPx: number;
  readonly kbps: number;
}

/** The renditions of a publish session, all encoded here, the best first. */
export interface Ladder {
  readonly video: readonly [VideoRung, ...VideoRung[]];
  /** Whether the last rendition is the sound alone. */
  readonly audio: boolean;
}

/** The default ladder: what of these is well below the source comes below the source's own height. */
const DEFAULT_TOP_PX = 1080;
const DEFAULT_HEIGHTS_PX = [720, 360];
const DISTINCT_SHARE = 0.8;
/** Of a source that tells no height. */
const UNKNOWN_HEIGHT_PX = 1080;
const UNKNOWN_FPS = 30;

/** Bit rates go by this power of the height: 5,000 kbit/s for 1080p, 2,500 for 720p, 730 for 360p. */
const TOP_KBPS = 5000;
const RATE_EXPONENT = 1.75;
/** From here on a picture needs half as much again. */
const FAST_FPS = 40;
const FAST_FACTOR = 1.5;

/**
 * The ladder of a policy for a source; undefined: the tracks are copied. No picture is made larger than
 * the source, and of two of one height the first stays.
 */
export function ladderOf(policy: RenditionPolicy, plan: TrackPlan): Ladder | undefined {
  if (policy === "passthrough" || plan.video === "none") return undefined;
  const { heightPx = UNKNOWN_HEIGHT_PX, fps = UNKNOWN_FPS } = plan.picture ?? {};
  const rungs = policy === "ladder" ? defaultRungs(heightPx) : policy;
  const video = new Map<number, VideoRung>();
  for (const rung of rungs) {
    if (rung.kind === "audio") continue;
    const height = Math.min(rung.heightPx, heightPx);
    const isOwn = rung.heightPx === height;
    const kbps = (isOwn ? rung.kbps : undefined) ?? defaultKbps(height, fps);
    if (!video.has(height)) video.set(height, { heightPx: height, kbps });
  }
  const [first, ...others] = [...video.values()].sort((a, b) => b.heightPx - a.heightPx);
  if (first === undefined) return undefined;
  const audio = plan.audio !== "none" && rungs.some(({ kind }) => kind === "audio");
  return { video: [first, ...others], audio };
}

/** How many renditions there are. */
export function renditionsOf(ladder: Ladder): number {
  return ladder.video.length + (ladder.audio ? 1 : 0);
}

/** "720p, 360p, audio": what is made, in words. */
export function ladderText({ video, audio }: Ladder): string {
  return [...video.map(({ heightPx }) => `${heightPx}p`), ...(audio ? ["audio"] : [])].join(", ");
}

function defaultRungs(sourcePx: number): Rung[] {
  const top = Math.min(sourcePx, DEFAULT_TOP_PX);
  const lower = DEFAULT_HEIGHTS_PX.filter((heightPx) => heightPx < top * DISTINCT_SHARE);
  return [top, ...lower].map((heightPx) => ({ kind: "video", heightPx, kbps: undefined }));
}

function defaultKbps(heightPx: number, fps: number): number {
  const kbps = TOP_KBPS * (heightPx / DEFAULT_TOP_PX) ** RATE_EXPONENT;
  return Math.round((kbps * (fps > FAST_FPS ? FAST_FACTOR : 1)) / 10) * 10;
}

/**
 * Cores for a million pixels a second, by ffmpeg 5.1 with libx264 "veryfast" and what real pictures take
 * more than synthetic ones; by an encoder in hardware, the scaling and the copies.
 */
const ENCODE_CORES_PER_MPX = 0.016;
const HARDWARE_CORES_PER_MPX = 0.003;
const DECODE_CORES_PER_MPX = 0.003;
const ASPECT = 16 / 9;

/** About how many cores a ladder takes. */
export function ladderCores(
  ladder: Ladder,
  picture: SourcePicture | undefined,
  isSoftware: boolean,
): number {
  const { fps = UNKNOWN_FPS } = picture ?? {};
  const [{ heightPx: topPx }] = ladder.video;
  const mpxPerS = (heightPx: number): number => (heightPx ** 2 * ASPECT * fps) / 1e6;
  const encoded = ladder.video.reduce((sum, { heightPx }) => sum + mpxPerS(heightPx), 0);
  const decoded = mpxPerS(picture?.heightPx ?? topPx);
  const perMpx = isSoftware ? ENCODE_CORES_PER_MPX : HARDWARE_CORES_PER_MPX;
  return encoded * perMpx + decoded * DECODE_CORES_PER_MPX;
}
