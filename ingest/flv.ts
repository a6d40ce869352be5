/** Tag types of Adobe Flash Video File Format 10.1, annex E.4.1; RTMP uses the same numbers. */
export const FLV_TAG = { audio: 8, video: 9, script: 18 } as const;
const HEADER_BYTES = 11;
const TAG_SIZE_BYTES = 4;
const HAS_VIDEO = 1;
const HAS_AUDIO = 4;

/** One audio, video or script tag: what a publisher sends and what ffmpeg reads. */
export interface FlvTag {
  readonly type: (typeof FLV_TAG)[keyof typeof FLV_TAG];
  /** Milliseconds modulo 2^32, as the publisher counts. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

/** The start of an FLV stream (annex E.2, E.3). ffmpeg waits for the tracks that it announces. */
export function flvHeader(tracks: {
  readonly video: boolean;
  readonly audio: boolean;
}): Uint8Array {
  const flags = (tracks.video ? HAS_VIDEO : 0) | (tracks.audio ? HAS_AUDIO : 0);
  return Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0);
}

/** One tag with the size field that follows it (annex E.4). */
export function flvTagBytes({ type, timestampMs, payload }: FlvTag): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length + TAG_SIZE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  writeUint24(view, 1, payload.length);
  writeUint24(view, 4, timestampMs & 0xff_ff_ff);
  view.setUint8(7, timestampMs >>> 24);
  bytes.set(payload, HEADER_BYTES);
  view.setUint32(HEADER_BYTES + payload.length, HEADER_BYTES + payload.length);
  return bytes;
}

function writeUint24(view: DataView, at: number, value: number): void {
  view.setUint8(at, value >>> 16);
  view.setUint16(at + 1, value & 0xff_ff);
}
