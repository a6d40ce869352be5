import { FLV_TAG, type FlvTag } from "./flv.ts";
import { isKeyFrame, isVideoHeader } from "./flv-video.ts";
import type { TrackPlan } from "./track-plan.ts";

const AAC = 10;
const ENHANCED_AUDIO = 9;

/** Remembers what a new ffmpeg must be told before it can read on in the middle of a broadcast. */
export class TrackHeaders {
  #script: FlvTag | undefined;
  #video: FlvTag | undefined;
  #audio: FlvTag | undefined;

  /** Takes each tag. True: the picture or the sound is another from here on, and needs an init segment of its own. */
  push(tag: FlvTag): boolean {
    const { type, payload } = tag;
    if (type === FLV_TAG.script) this.#script = tag;
    if (type === FLV_TAG.video && isVideoHeader(payload)) {
      const before = this.#video;
      this.#video = tag;
      return before !== undefined && !isEqual(before.payload, payload);
    }
    if (type === FLV_TAG.audio && isAudioHeader(payload)) {
      const before = this.#audio;
      this.#audio = tag;
      return before !== undefined && !isEqual(before.payload, payload);
    }
    return false;
  }

  /** The headers, as of the time at which they are needed. */
  tagsAt(timestampMs: number): FlvTag[] {
    return [this.#script, this.#video, this.#audio]
      .filter((tag) => tag !== undefined)
      .map((tag) => ({ ...tag, timestampMs }));
  }
}

/** Whether a new ffmpeg can begin with this tag: a key frame, or any sound when there is no picture. */
export function isEntry({ type, payload }: FlvTag, plan: Pick<TrackPlan, "video">): boolean {
  if (plan.video === "none") return type === FLV_TAG.audio && !isAudioHeader(payload);
  return type === FLV_TAG.video && isKeyFrame(payload);
}

/**
 * Whether a tag is an AAC header without anything in it: ffmpeg's FLV muxer writes one before the first sound of an
 * MPEG-TS has come, and the real one then.
 */
export function isEmptyHeader({ type, payload }: FlvTag): boolean {
  return type === FLV_TAG.audio && payload.length === 2 && isAudioHeader(payload);
}

/** FLV annex E.4.2.2; enhanced RTMP version 2. */
function isAudioHeader([first = 0, packetType = 0]: Uint8Array): boolean {
  if (first >>> 4 === ENHANCED_AUDIO) return (first & 0x0f) === 0;
  return first >>> 4 === AAC && packetType === 0;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
