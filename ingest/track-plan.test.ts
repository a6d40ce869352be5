import { describe, expect, test } from "@jest/globals";
import { fromHex } from "../core/index.ts";
import { FLV_TAG, type FlvTag } from "./flv.ts";
import { encodeAmf0 } from "./rtmp/amf0.ts";
import { type TrackPlan, TrackPlanner } from "./track-plan.ts";

const H264 = "1700000000";
const AAC = "af00";
const HEVC_ENHANCED = "9068766331"; // Sequence start of "hvc1".

const video = (hex: string, timestampMs = 0): FlvTag => ({
  type: FLV_TAG.video,
  timestampMs,
  payload: fromHex(hex),
});
const audio = (hex: string, timestampMs = 0): FlvTag => ({
  type: FLV_TAG.audio,
  timestampMs,
  payload: fromHex(hex),
});
const metadata = (...names: string[]): FlvTag => ({
  type: FLV_TAG.script,
  timestampMs: 0,
  payload: encodeAmf0("onMetaData", new Map(names.map((name) => [name, 1]))),
});

function planOf(...tags: readonly FlvTag[]): TrackPlan | undefined {
  const planner = new TrackPlanner();
  return tags.map((tag) => planner.push(tag)).find((plan) => plan !== undefined);
}

describe("the track plan", () => {
  test("copies H.264 and AAC", () => {
    expect(planOf(video(H264), audio(AAC))).toMatchObject({ video: "copy", audio: "copy" });
  });

  test("transcodes what fMP4 viewers cannot all play", () => {
    expect(planOf(video("22"), audio("2f"))).toMatchObject({
      video: "transcode",
      audio: "transcode",
      videoCodec: { name: "Sorenson H.263", enhanced: false },
      audioCodec: { name: "MP3", enhanced: false },
    });
  });

  test("recognises enhanced RTMP by its four characters", () => {
    expect(planOf(video(HEVC_ENHANCED), audio("904f707573"))).toMatchObject({
      video: "transcode",
      audio: "transcode",
      videoCodec: { name: "hvc1", enhanced: true },
      audioCodec: { name: "Opus", enhanced: true },
    });
  });

  test("does not wait for a track that the metadata do not announce", () => {
    expect(planOf(metadata("audiocodecid"), audio(AAC))).toMatchObject({
      video: "none",
      audio: "copy",
    });
    expect(planOf(metadata("videocodecid"), video(H264))).toMatchObject({
      video: "copy",
      audio: "none",
    });
  });

  test("waits for one that they do announce", () => {
    expect(planOf(metadata("videocodecid", "audiocodecid"), video(H264))).toBeUndefined();
  });

  test("waits one second of media when there are no metadata", () => {
    expect(planOf(audio(AAC), audio(AAC, 999))).toBeUndefined();
    expect(planOf(audio(AAC), audio(AAC, 1000))).toMatchObject({ video: "none", audio: "copy" });
  });

  test("takes damaged metadata for none", () => {
    const damaged: FlvTag = { type: FLV_TAG.script, timestampMs: 0, payload: fromHex("02ffff") };
    expect(planOf(damaged, video(H264), audio(AAC))).toMatchObject({
      video: "copy",
      audio: "copy",
    });
  });
});
