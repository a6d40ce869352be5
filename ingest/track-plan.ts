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
  /** What the metadata say of the picture. */
  readonly picture: SourcePicture | undefined;
}

/** A publisher's picture, as far as it is known. */
export interface SourcePicture {
  readonly heightPx?: number | undefined;
  readonly fps?: number | undefined;
}

/** Heights and rates beyond these are no description of a picture. */
const HEIGHT_MAX_PX = 8640;
const FPS_MAX = 240;

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
  #picture: SourcePicture | undefined;
  #firstTimestampMs: number | undefined;
  #tags = 0;

  push(tag: FlvTag): TrackPlan | undefined {
    this.#tags += 1;
    if (tag.type === FLV_TAG.script) this.#learn(metadataOf(tag.payload));
    else this.#firstTimestampMs ??= tag.timestampMs;
    if (tag.type === FLV_TAG.video) this.#videoCodec ??= videoCodecOf(tag.payload);
    if (tag.type === FLV_TAG.audio) this.#audioCodec ??= audioCodecOf(tag.payload);
    return this.#isComplete(tag.timestampMs) ? this.#plan() : undefined;
  }

  #learn(metadata: ReadonlyMap<string, Amf0Value>): void {
    this.#announced ??= announcedTracks(metadata);
    this.#picture ??= pictureOf(metadata);
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
      picture: this.#picture,
    };
  }
}

function treatment(codec: FlvCodec | undefined, copied: string): TrackTreatment {
  if (codec === undefined) return "none";
  return codec.name === copied ? "copy" : "transcode";
}

/** Which tracks onMetaData speaks of; undefined when it does not say. */
function announcedTracks(
  metadata: ReadonlyMap<string, Amf0Value>,
): { video: boolean; audio: boolean } | undefined {
  const video = metadata.has("videocodecid") || metadata.has("width");
  const audio = metadata.has("audiocodecid") || metadata.has("audiosamplerate");
  return video || audio ? { video, audio } : undefined;
}

function pictureOf(metadata: ReadonlyMap<string, Amf0Value>): SourcePicture | undefined {
  const number = (name: string, min: number, max: number): number | undefined => {
    const value = metadata.get(name);
    return typeof value === "number" && value >= min && value <= max ? value : undefined;
  };
  const heightPx = number("height", 2, HEIGHT_MAX_PX);
  const fps = number("framerate", 1, FPS_MAX);
  return heightPx === undefined && fps === undefined
    ? undefined
    : { heightPx: heightPx && Math.floor(heightPx), fps };
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
