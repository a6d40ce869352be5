import { FLV_TAG, type FlvTag } from "./flv.ts";
import { isKeyFrame } from "./flv-video.ts";

/** Groups of pictures that are remembered. */
const GROUPS = 8;

/** Measures the distance between key frames, which is the shortest segment that can be cut. */
export class GopMeter {
  #keyFrameMs: number | undefined;
  #gopMs = 0;
  #groupsMs: number[] = [];

  /** The longest distance in the present group or the one before it, in seconds. */
  get gopS(): number {
    return this.#gopMs / 1000;
  }

  /** The last eight complete distances, in seconds, oldest first. */
  get groupsS(): readonly number[] {
    return this.#groupsMs.map((lengthMs) => lengthMs / 1000);
  }

  push({ type, timestampMs, payload }: FlvTag): void {
    if (type !== FLV_TAG.video) return;
    const sinceMs = this.#keyFrameMs === undefined ? 0 : timestampMs - this.#keyFrameMs;
    if (isKeyFrame(payload)) {
      this.#keyFrameMs = timestampMs;
      this.#gopMs = Math.max(0, sinceMs);
      if (sinceMs > 0) this.#groupsMs = [...this.#groupsMs, sinceMs].slice(-GROUPS);
    } else if (sinceMs > this.#gopMs) {
      this.#gopMs = sinceMs;
    }
  }
}
