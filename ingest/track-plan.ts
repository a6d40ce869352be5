import { StarlingError } from "../core/index.ts";
import { FLV_TAG, type FlvTag } from "./flv.ts";
import { audioCodecOf, type FlvCodec, videoCodecOf } from "./flv-codec.ts";
import { type Amf0Value, decodeAmf0 } from "./rtmp/amf0.ts";

/** What is done with one track: fMP4 takes H.264 and AAC as they are. */
export type TrackTreatment = "none" | "copy" | "transcode";

/** What ffmpeg is told about a publisher. */
export interface TrackPlan {
  readonly video: TrackTreatment;
  readonly audio: TrackTreatment;
  readonly videoCodec: FlvCodec | undefined;
  readonly audioCodec: FlvCodec | undefined;
}

/** How long, in the publisher's own time, a track that may exist is waited for. */
const WAIT_MS = 1000;
const WAIT_TAGS_MAX = 512;

/**
 * Decides from the first tags what to do with each track. Give it every tag until it has an answer:
 * that is when each track that the metadata announce was seen, or after one second without.
 */
export class TrackPlanner {
  #videoCodec: FlvCodec | undefined;
  #audioCodec: FlvCodec | undefined;
  #announced: { video: boolean; audio: boolean } | undefined;
  #firstTimestampMs: number | undefined;
  #tags = 0;

  push(tag: FlvTag): TrackPlan | undefined {
    this.#tags += 1;
    if (tag.type === FLV_TAG.script) this.#announced ??= announcedTracks(tag.payload);
    else this.#firstTimestampMs ??= tag.timestampMs;
    if (tag.type === FLV_TAG.video) this.#videoCodec ??= videoCodecOf(tag.payload);
    if (tag.type === FLV_TAG.audio) this.#audioCodec ??= audioCodecOf(tag.payload);
    return this.#isComplete(tag.timestampMs) ? this.#plan() : undefined;
  }

  #isComplete(timestampMs: number): boolean {
    const { video, audio } = this.#announced ?? { video: true, audio: true };
    const hasVideo = this.#videoCodec !== undefined;
    const hasAudio = this.#audioCodec !== undefined;
    if (!hasVideo && !hasAudio) return false;
    if ((hasVideo || !video) && (hasAudio || !audio)) return true;
    const waitedMs = timestampMs - (this.#firstTimestampMs ?? timestampMs);
    return waitedMs >= WAIT_MS || this.#tags >= WAIT_TAGS_MAX;
  }

  #plan(): TrackPlan {
    return {
      video: treatment(this.#videoCodec, "H.264"),
      audio: treatment(this.#audioCodec, "AAC"),
      videoCodec: this.#videoCodec,
      audioCodec: this.#audioCodec,
    };
  }
}

function treatment(codec: FlvCodec | undefined, copied: string): TrackTreatment {
  if (codec === undefined) return "none";
  return codec.name === copied ? "copy" : "transcode";
}

/** Which tracks onMetaData speaks of; undefined when it does not say. */
function announcedTracks(payload: Uint8Array): { video: boolean; audio: boolean } | undefined {
  const metadata = metadataOf(payload);
  const video = metadata.has("videocodecid") || metadata.has("width");
  const audio = metadata.has("audiocodecid") || metadata.has("audiosamplerate");
  return video || audio ? { video, audio } : undefined;
}

function metadataOf(payload: Uint8Array): ReadonlyMap<string, Amf0Value> {
  try {
    const [, metadata] = decodeAmf0(payload);
    if (metadata instanceof Map) return metadata;
    return new Map(typeof metadata === "object" && metadata ? Object.entries(metadata) : []);
  } catch (error) {
    if (!(error instanceof StarlingError)) throw error;
    return new Map(); // Metadata are a hint; damaged ones are no reason to turn a publisher away.
  }
}
