import { compositionOffsetMs, isFrame } from "../flv-video.ts";

/** Frames that are looked at: 8 s at 30 fps. */
const FRAMES = 240;
/** Fewer tell nothing yet. */
const FRAMES_MIN = 60;
/** FLV rounds to milliseconds, and 1/60 s is 16 or 17 of them. */
const ROUNDING_MS = 2;
const DEVIATION = 0.25;
/** A longer gap is no dropped frame but a pause. */
const GAP_FRAMES_MAX = 30;

/** How regularly pictures come. */
export interface FrameFacts {
  /** By the usual distance of two frames; undefined until enough have come. */
  readonly fps: number | undefined;
  /** Of the frames, those at neither the usual distance nor a multiple of it: 0..1. */
  readonly unevenShare: number;
  /** Of the frames that should have come, those that did not: 0..1. */
  readonly droppedShare: number;
  /** The longest time for which a picture waits for another that is shown before it. */
  readonly reorderMs: number;
}

/** Measures the distances of the last 240 pictures, in the publisher's own time. */
export class FrameMeter {
  #lastMs: number | undefined;
  #intervalsMs: number[] = [];
  #offsetsMs: number[] = [];

  /** Takes the payload of a video tag. */
  push(timestampMs: number, payload: Uint8Array): void {
    if (!isFrame(payload)) return;
    const intervalMs = this.#lastMs === undefined ? 0 : timestampMs - this.#lastMs;
    this.#lastMs = timestampMs;
    if (intervalMs > 0) keep(this.#intervalsMs, intervalMs);
    keep(this.#offsetsMs, compositionOffsetMs(payload));
  }

  /** What the last frames tell. */
  get facts(): FrameFacts {
    const reorderMs = Math.max(0, ...this.#offsetsMs);
    const count = this.#intervalsMs.length;
    if (count < FRAMES_MIN) return { fps: undefined, unevenShare: 0, droppedShare: 0, reorderMs };
    const usualMs = this.#intervalsMs.toSorted((a, b) => a - b)[count >> 1] ?? 1;
    let uneven = 0;
    let dropped = 0;
    let evenMs = 0;
    for (const intervalMs of this.#intervalsMs) {
      const frames = Math.max(1, Math.round(intervalMs / usualMs));
      const isEven =
        Math.abs(intervalMs - frames * usualMs) <=
        Math.max(ROUNDING_MS * frames, DEVIATION * usualMs);
      if (!isEven) uneven += 1;
      else if (frames <= GAP_FRAMES_MAX) {
        dropped += frames - 1;
        evenMs += intervalMs / frames;
      }
    }
    const fps = count === uneven ? 1000 / usualMs : (1000 * (count - uneven)) / Math.max(1, evenMs);
    return {
      fps,
      unevenShare: uneven / count,
      droppedShare: dropped / (count + dropped),
      reorderMs,
    };
  }
}

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length > FRAMES) values.shift();
}
