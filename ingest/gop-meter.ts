import { FLV_TAG, type FlvTag } from "./flv.ts";

const ENHANCED = 0x80;
const KEY_FRAME = 1;
const AVC = 7;
const SEQUENCE_HEADER = 0;
const END_OF_SEQUENCE = 2;

/** Measures the distance between key frames, which is the shortest segment that can be cut. */
export class GopMeter {
  #keyFrameMs: number | undefined;
  #gopMs = 0;

  /** The longest distance in the present group or the one before it, in seconds. */
  get gopS(): number {
    return this.#gopMs / 1000;
  }

  push({ type, timestampMs, payload }: FlvTag): void {
    if (type !== FLV_TAG.video) return;
    const sinceMs = this.#keyFrameMs === undefined ? 0 : timestampMs - this.#keyFrameMs;
    if (isKeyFrame(payload)) {
      this.#keyFrameMs = timestampMs;
      this.#gopMs = Math.max(0, sinceMs);
    } else if (sinceMs > this.#gopMs) {
      this.#gopMs = sinceMs;
    }
  }
}

/** FLV annex E.4.3.1 and enhanced RTMP version 1; headers and ends are no frames. */
function isKeyFrame(payload: Uint8Array): boolean {
  const [first = 0, packetType = 0] = payload;
  if (((first >>> 4) & 7) !== KEY_FRAME) return false;
  if ((first & ENHANCED) !== 0) return (first & 0x0f) === 1 || (first & 0x0f) === 3;
  if ((first & 0x0f) !== AVC) return true;
  return packetType !== SEQUENCE_HEADER && packetType !== END_OF_SEQUENCE;
}
