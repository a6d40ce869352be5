/** The codec of one track, as its tags tell. */
export interface FlvCodec {
  /** As people name it; for enhanced RTMP the four characters of its tag. */
  readonly name: string;
  /** Enhanced RTMP version 1 or 2, which ffmpeg reads from version 6.1 on. */
  readonly enhanced: boolean;
}

const ENHANCED_VIDEO_BIT = 0x80;
const ENHANCED_AUDIO_FORMAT = 9;

/** FLV annex E.4.3.1; 12 is what some encoders use for HEVC instead of enhanced RTMP. */
const VIDEO_CODECS: Readonly<Record<number, string>> = {
  2: "Sorenson H.263",
  4: "VP6",
  5: "VP6 with alpha",
  7: "H.264",
  12: "HEVC",
};

/** FLV annex E.4.2.1. */
const AUDIO_CODECS: Readonly<Record<number, string>> = {
  2: "MP3",
  3: "PCM",
  7: "G.711 A-law",
  8: "G.711 mu-law",
  10: "AAC",
  11: "Speex",
  14: "MP3 at 8 kHz",
};

/** The codec of a video tag. */
export function videoCodecOf(payload: Uint8Array): FlvCodec {
  const first = payload[0] ?? 0;
  if ((first & ENHANCED_VIDEO_BIT) !== 0) return enhancedCodecOf(payload);
  const id = first & 0x0f;
  return { name: VIDEO_CODECS[id] ?? `video codec ${id}`, enhanced: false };
}

/** The codec of an audio tag. */
export function audioCodecOf(payload: Uint8Array): FlvCodec {
  const format = (payload[0] ?? 0) >>> 4;
  if (format === ENHANCED_AUDIO_FORMAT) return enhancedCodecOf(payload);
  return { name: AUDIO_CODECS[format] ?? `audio codec ${format}`, enhanced: false };
}

function enhancedCodecOf(payload: Uint8Array): FlvCodec {
  const name = String.fromCharCode(...payload.subarray(1, 5)).replaceAll(/[^\w-]/g, "?");
  return { name, enhanced: true };
}
