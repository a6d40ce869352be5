const ENHANCED = 0x80;
const KEY_FRAME = 1;
const AVC = 7;
const SEQUENCE_HEADER = 0;
const CODED_FRAME = 1;
/** Enhanced RTMP version 1: coded frames with, and without, a composition time. */
const ENHANCED_FRAMES = 1;
const ENHANCED_FRAMES_X = 3;

/** Whether a video tag holds a picture: headers and ends hold none (FLV annex E.4.3, enhanced RTMP version 1). */
export function isFrame([first = 0, packetType = 0]: Uint8Array): boolean {
  if ((first & ENHANCED) !== 0) {
    return (first & 0x0f) === ENHANCED_FRAMES || (first & 0x0f) === ENHANCED_FRAMES_X;
  }
  return (first & 0x0f) !== AVC || packetType === CODED_FRAME;
}

/** Whether a video tag holds a picture at which a decoder can begin. */
export function isKeyFrame(payload: Uint8Array): boolean {
  return (((payload[0] ?? 0) >>> 4) & 7) === KEY_FRAME && isFrame(payload);
}

/** Whether a video tag describes the pictures that follow: size, profile and the like. */
export function isVideoHeader([first = 0, packetType = 0]: Uint8Array): boolean {
  if ((first & ENHANCED) !== 0) return (first & 0x0f) === SEQUENCE_HEADER;
  return (first & 0x0f) === AVC && packetType === SEQUENCE_HEADER;
}

/** How much later than it is decoded a picture is shown, milliseconds; 0 where the tag does not say. */
export function compositionOffsetMs(payload: Uint8Array): number {
  const [first = 0] = payload;
  const enhanced = (first & ENHANCED) !== 0;
  if (enhanced ? (first & 0x0f) !== ENHANCED_FRAMES : (first & 0x0f) !== AVC) return 0;
  const [high = 0, middle = 0, low = 0] = payload.subarray(enhanced ? 5 : 2);
  return ((high << 24) | (middle << 16) | (low << 8)) >> 8;
}
