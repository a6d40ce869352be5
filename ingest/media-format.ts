import type { MediaFormat } from "../pipeline/index.ts";
import { AUDIO_ENTRY_BYTES, codecName, VISUAL_ENTRY_BYTES } from "./codec-name.ts";
import { type Box, bodiesAt, boxesIn, textAt, viewOf } from "./mp4-boxes.ts";

/**
 * What a rendition is, as its init segment and its first media segment tell (ISO/IEC 14496-12). Gives
 * undefined for files that do not say: a master playlist can do without.
 */
export function mediaFormat(init: Uint8Array, segment: Uint8Array): MediaFormat | undefined {
  try {
    const tracks = bodiesAt(viewOf(init), "moov/trak").flatMap(trackOf);
    if (tracks.length === 0) return undefined;
    const video = tracks.find(({ picture }) => picture !== undefined);
    const codecs = tracks.map(({ codec }) => codec).join(",");
    if (video?.picture === undefined) return { codecs };
    const fps = picturesPerS(video, viewOf(init), viewOf(segment));
    return { codecs, ...video.picture, ...(fps === undefined ? {} : { fps }) };
  } catch (error) {
    if (error instanceof RangeError) return undefined; // A box is shorter than what it should hold.
    throw error;
  }
}

interface Track {
  readonly id: number;
  /** Units of its times in a second. */
  readonly timescale: number;
  readonly codec: string;
  /** Undefined for sound. */
  readonly picture: { readonly widthPx: number; readonly heightPx: number } | undefined;
}

function trackOf(track: DataView): Track[] {
  const [header] = bodiesAt(track, "tkhd");
  const [mediaHeader] = bodiesAt(track, "mdia/mdhd");
  const [handler] = bodiesAt(track, "mdia/hdlr");
  const [description] = bodiesAt(track, "mdia/minf/stbl/stsd");
  const [entry] = description === undefined ? [] : boxesIn(description, 8);
  if (!header || !mediaHeader || !handler || !entry) return [];
  const isVideo = textAt(handler, 8, 4) === "vide";
  if (!isVideo && textAt(handler, 8, 4) !== "soun") return [];
  const isLong = (box: DataView): boolean => box.getUint8(0) === 1;
  return [
    {
      id: header.getUint32(isLong(header) ? 20 : 12),
      timescale: mediaHeader.getUint32(isLong(mediaHeader) ? 20 : 12),
      codec: codecName(entry, isVideo ? VISUAL_ENTRY_BYTES : AUDIO_ENTRY_BYTES),
      picture: isVideo ? pictureOf(entry) : undefined,
    },
  ];
}

/** The size of the picture as it is shown: pixels need not be square (section 12.1.4). */
function pictureOf(entry: Box): NonNullable<Track["picture"]> {
  const widthPx = entry.body.getUint16(24);
  const heightPx = entry.body.getUint16(26);
  const aspect = boxesIn(entry.body, VISUAL_ENTRY_BYTES).find(({ type }) => type === "pasp")?.body;
  const spacing = (aspect?.getUint32(0) ?? 1) / (aspect?.getUint32(4) ?? 1);
  return { widthPx: Math.max(1, Math.round(widthPx * spacing)), heightPx };
}

function picturesPerS(track: Track, init: DataView, segment: DataView): number | undefined {
  let samples = 0;
  let duration = 0;
  for (const fragment of bodiesAt(segment, "moof/traf")) {
    const [header] = bodiesAt(fragment, "tfhd");
    if (header?.getUint32(4) !== track.id) continue;
    const sampleDuration = durationIn(header) ?? defaultDuration(init, track.id);
    for (const run of bodiesAt(fragment, "trun")) {
      const { count, duration: lasting } = runOf(run, sampleDuration);
      samples += count;
      duration += lasting;
    }
  }
  return duration > 0
    ? Math.round((1000 * samples * track.timescale) / duration) / 1000
    : undefined;
}

/** Flags of a track fragment header (section 8.8.7), of its fields in their order, and their lengths. */
const TFHD_FIELDS = [
  [0x01, 8],
  [0x02, 4],
] as const;
const TFHD_DURATION = 0x08;

/** The duration of all samples of a fragment that say nothing else. */
function durationIn(header: DataView): number | undefined {
  const flags = header.getUint32(0);
  if ((flags & TFHD_DURATION) === 0) return undefined;
  const before = TFHD_FIELDS.filter(([flag]) => (flags & flag) !== 0);
  return header.getUint32(before.reduce((at, [, byteLength]) => at + byteLength, 8));
}

function defaultDuration(init: DataView, trackId: number): number {
  const defaults = bodiesAt(init, "moov/mvex/trex").find((box) => box.getUint32(4) === trackId);
  return defaults?.getUint32(12) ?? 0;
}

/** Flags of a track fragment run (section 8.8.8). */
const TRUN_DATA_OFFSET = 0x01;
const TRUN_FIRST_FLAGS = 0x04;
const TRUN_DURATION = 0x1_00;
const TRUN_SAMPLE_FIELDS = [TRUN_DURATION, 0x2_00, 0x4_00, 0x8_00];

function runOf(run: DataView, sampleDuration: number): { count: number; duration: number } {
  const flags = run.getUint32(0);
  const count = run.getUint32(4);
  if ((flags & TRUN_DURATION) === 0) return { count, duration: count * sampleDuration };
  const head = [TRUN_DATA_OFFSET, TRUN_FIRST_FLAGS].filter((flag) => (flags & flag) !== 0).length;
  const stride = 4 * TRUN_SAMPLE_FIELDS.filter((flag) => (flags & flag) !== 0).length;
  let duration = 0;
  for (let sample = 0; sample < count; sample++) {
    duration += run.getUint32(8 + 4 * head + sample * stride);
  }
  return { count, duration };
}
