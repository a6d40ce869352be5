import { FLV_TAG, type FlvTag } from "../flv.ts";
import type { GopMeter } from "../gop-meter.ts";
import { type ArrivalFacts, ArrivalMeter } from "./arrival-meter.ts";
import { type AudioFormat, audioFormatOf } from "./audio-format.ts";
import { type FrameFacts, FrameMeter } from "./frame-meter.ts";

/** What can be seen of a publisher without decoding anything. */
export interface SourceFacts extends FrameFacts, ArrivalFacts {
  /** Seconds between key frames, over the last eight groups; empty until known. */
  readonly groupsS: readonly number[];
  /** The longest of the present group and the last one. */
  readonly gopS: number;
  /** Of AAC; undefined until its header came. */
  readonly audioFormat: AudioFormat | undefined;
  /** Since the last tag of each track; undefined when there never was one. */
  readonly videoAgeMs: number | undefined;
  readonly audioAgeMs: number | undefined;
}

/** Watches a publisher's tags as they arrive. Time is an argument, of any steady clock. */
export class SourceMeter {
  readonly #gop: Pick<GopMeter, "gopS" | "groupsS">;
  readonly #frames = new FrameMeter();
  readonly #arrival = new ArrivalMeter();
  #audioFormat: AudioFormat | undefined;
  #videoAtMs: number | undefined;
  #audioAtMs: number | undefined;

  /** `gop` is given the same tags by its owner. */
  constructor(gop: Pick<GopMeter, "gopS" | "groupsS">) {
    this.#gop = gop;
  }

  /** True: the timestamps leapt, back or ahead, by more than can be played over. */
  push(nowMs: number, { type, timestampMs, payload }: FlvTag): boolean {
    if (type === FLV_TAG.video) {
      this.#videoAtMs = nowMs;
      this.#frames.push(timestampMs, payload);
      return this.#arrival.push(nowMs, timestampMs);
    }
    if (type !== FLV_TAG.audio) return false;
    this.#audioAtMs = nowMs;
    this.#audioFormat = audioFormatOf(payload) ?? this.#audioFormat;
    return this.#videoAtMs === undefined && this.#arrival.push(nowMs, timestampMs);
  }

  facts(nowMs: number): SourceFacts {
    const ageMs = (atMs: number | undefined) => (atMs === undefined ? undefined : nowMs - atMs);
    return {
      ...this.#frames.facts,
      ...this.#arrival.facts(nowMs),
      groupsS: this.#gop.groupsS,
      gopS: this.#gop.gopS,
      audioFormat: this.#audioFormat,
      videoAgeMs: ageMs(this.#videoAtMs),
      audioAgeMs: ageMs(this.#audioAtMs),
    };
  }
}
