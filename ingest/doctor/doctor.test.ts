import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { captureLog } from "../captured-log.ts";
import { FLV_TAG, type FlvTag } from "../flv.ts";
import { GopMeter } from "../gop-meter.ts";
import { audioFormatOf } from "./audio-format.ts";
import { examine, type Patient, type Symptom } from "./diagnosis.ts";
import { Doctor } from "./doctor.ts";
import { SourceMeter } from "./source-meter.ts";

const H264 = { name: "H.264", enhanced: false };
const AAC = { name: "AAC", enhanced: false };
const PLAN: Patient["plan"] = {
  ...{ video: "copy", audio: "copy", picture: undefined },
  ...{ videoCodec: H264, audioCodec: AAC },
};

/** One frame of a broadcast: its decoding time, when it arrives, and what it is. */
interface Frame {
  readonly mediaMs: number;
  readonly nowMs?: number;
  readonly key?: boolean;
  readonly offsetMs?: number;
}

/** The codes that a broadcast of these frames, with sound beside each, would be told. */
function codesOf(
  frames: readonly Frame[],
  context: Partial<Patient> = {},
  soundHex = "af00119056e500",
) {
  const gop = new GopMeter();
  const source = new SourceMeter(gop);
  let nowMs = 0;
  source.push(0, { type: FLV_TAG.audio, timestampMs: 0, payload: Buffer.from(soundHex, "hex") });
  for (const { mediaMs, nowMs: arrivalMs = mediaMs, key = false, offsetMs = 0 } of frames) {
    nowMs = arrivalMs;
    const payload = Uint8Array.of(key ? 0x17 : 0x27, 1, 0, offsetMs >> 8, offsetMs & 0xff);
    const picture: FlvTag = { type: FLV_TAG.video, timestampMs: Math.round(mediaMs), payload };
    gop.push(picture);
    source.push(nowMs, picture);
    source.push(nowMs, { type: FLV_TAG.audio, timestampMs: 0, payload: Uint8Array.of(0xaf, 1) });
  }
  const healthy = {
    plan: PLAN,
    bitrateKbps: 3000,
    viewerDownlinkKbps: 10_000,
    viewerLines: { viewers: 0, slower: 0 },
    speed: 1,
    segmentAgeMs: 900,
    failuresInARow: 0,
    ladder: { isOn: false, refusal: undefined },
    disk: "ok",
  } as const;
  return examine({ ...source.facts(nowMs), ...healthy, ...context }).map(({ code }) => code);
}

/** A regular broadcast, changed frame by frame. */
function broadcast(
  seconds: number,
  change: (frame: Frame, index: number) => Frame | undefined = (frame) => frame,
): Frame[] {
  return Array.from({ length: seconds * 30 }, (_, index) =>
    change({ mediaMs: (index * 1000) / 30, key: index % 30 === 0 }, index),
  ).filter((frame) => frame !== undefined);
}

describe("the bitrate", () => {
  test.each<[string, Partial<Patient>]>([
    ["most viewers measured enough", { viewerLines: { viewers: 20, slower: 1 } }],
    ["few have measured anything", { viewerLines: { viewers: 4, slower: 4 } }],
    [
      "there are smaller renditions",
      { viewerLines: { viewers: 20, slower: 9 }, ladder: { isOn: true, refusal: undefined } },
    ],
    [
      "viewers measured more than expected",
      { viewerLines: { viewers: 9, slower: 0 }, bitrateKbps: 12_000 },
    ],
  ])("is all right when %s", (_when, context) => {
    expect(codesOf(broadcast(20), context)).toEqual([]);
  });
});

describe("the doctor", () => {
  test("finds nothing in a broadcast as it should be", () => {
    expect(codesOf(broadcast(130))).toEqual([]);
  });

  test.each<[string, Frame[]]>([
    [
      "keyframe-interval-long",
      broadcast(20, (frame, index) => ({ ...frame, key: index % 240 === 0 })),
    ],
    [
      "keyframe-interval-irregular",
      broadcast(20, (frame, index) => ({ ...frame, key: [0, 10].includes(index % 60) })),
    ],
    ["b-frames", broadcast(5, (frame, index) => ({ ...frame, offsetMs: 33 * (index % 3) }))],
    ["frames-dropped", broadcast(10, (frame, index) => (index % 25 === 7 ? undefined : frame))],
    [
      "frame-rate-variable",
      broadcast(10, (frame, index) => ({ ...frame, mediaMs: frame.mediaMs + (index % 3) * 12 })),
    ],
    ["upload-slow", broadcast(60, (frame) => ({ ...frame, nowMs: frame.mediaMs * 1.06 }))],
    ["clock-drift", broadcast(120, (frame) => ({ ...frame, nowMs: frame.mediaMs * 1.003 }))],
    [
      "timestamps-jump",
      broadcast(10, (frame, index) => ({
        ...frame,
        mediaMs: frame.mediaMs + (index < 150 ? 0 : 60_000),
        nowMs: frame.mediaMs,
        key: index >= 150 && frame.key === true,
      })),
    ],
  ])("finds %s, and nothing else", (code, frames) => {
    expect(codesOf(frames)).toEqual([code]);
  });

  test.each<[string, Partial<Patient>]>([
    ["bitrate-high", { bitrateKbps: 12_000 }],
    ["bitrate-high", { viewerLines: { viewers: 20, slower: 2 } }],
    ["audio-missing", { plan: { ...PLAN, audio: "none", audioCodec: undefined } }],
    ["audio-stopped", { audioAgeMs: 4000 }],
    ["video-missing", { plan: { ...PLAN, video: "none", videoCodec: undefined } }],
    [
      "codec-transcoded",
      { plan: { ...PLAN, video: "transcode", videoCodec: { ...H264, name: "VP6" } } },
    ],
    [
      "transcode-slow",
      { plan: { ...PLAN, video: "transcode", videoCodec: undefined }, speed: 0.7 },
    ],
    ["transcode-slow", { ladder: { isOn: true, refusal: undefined }, speed: 0.7 }],
    ["ladder-refused", { ladder: { isOn: false, refusal: "It takes 9 cores." } }],
    ["disk-high", { disk: "critical" }],
    ["disk-full", { disk: "full", segmentAgeMs: 20_000 }],
    ["ffmpeg-failing", { failuresInARow: 1 }],
    ["segments-missing", { segmentAgeMs: 8000 }],
  ])("finds %s from what the origin knows", (code, context) => {
    expect(codesOf(broadcast(10), context)).toEqual([code]);
  });

  test("does not mind key frames and B-frames that no viewer gets", () => {
    const ladder = { isOn: true, refusal: undefined };
    const frames = broadcast(20, (frame, index) => ({
      ...frame,
      key: index % 240 === 0,
      offsetMs: 99,
    }));
    expect(codesOf(frames, { ladder })).toEqual([]);
  });

  test("reads the sample rate of AAC", () => {
    expect(audioFormatOf(Buffer.from("af001190", "hex"))).toEqual({ rateHz: 48_000, channels: 2 });
    expect(codesOf(broadcast(10), {}, "af001388")).toEqual(["audio-rate"]);
    expect(audioFormatOf(Buffer.from("af00", "hex"))).toBeUndefined();
  });

  test("measures the frame rate, with rounded timestamps and lost frames", () => {
    const source = new SourceMeter(new GopMeter());
    for (const { mediaMs } of broadcast(10, (frame, index) =>
      index % 9 === 3 ? undefined : frame,
    )) {
      const payload = Uint8Array.of(0x27, 1, 0, 0, 0);
      source.push(mediaMs, { type: FLV_TAG.video, timestampMs: Math.round(mediaMs), payload });
    }
    expect(source.facts(10_000).fps).toBeCloseTo(30, 0);
  });
});

describe("a finding", () => {
  const symptom: Symptom = {
    code: "x",
    severity: "warning",
    message: "It is so.",
    cure: "Do this.",
  };

  test("is logged once when it comes, and once when it is cured", () => {
    const { log, messages } = captureLog();
    const doctor = new Doctor(log);
    for (let look = 0; look < 10; look++) doctor.look(1000 * look, [symptom]);
    expect(doctor.findings).toEqual([{ ...symptom, sinceMs: 0 }]);
    for (let look = 0; look < 10; look++) doctor.look(20_000, []);
    expect(doctor.findings).toEqual([]);
    expect(messages).toEqual(["It is so. Do this.", "cured: It is so."]);
  });

  test("that is there for a moment only is not told", () => {
    const { log, messages } = captureLog();
    const doctor = new Doctor(log);
    for (let look = 0; look < 10; look++) doctor.look(look, look % 2 === 0 ? [symptom] : []);
    expect([doctor.findings, messages]).toEqual([[], []]);
  });

  test("stands behind one that is worse", () => {
    const doctor = new Doctor(captureLog().log);
    const worse: Symptom = { ...symptom, code: "y", severity: "error" };
    for (let look = 0; look < 2; look++) doctor.look(look, [symptom, worse]);
    expect(doctor.findings.map(({ code }) => code)).toEqual(["y", "x"]);
  });
});

test("every finding stands in the broadcaster's guide", () => {
  const textOf = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const found = [...textOf("diagnosis.ts").matchAll(/code: "([a-z-]+)"/g)].map(([, code]) => code);
  const told = [...textOf("../../docs/broadcast.md").matchAll(/^\| `([a-z-]+)` \|/gm)];
  expect(told.map(([, code]) => code).sort()).toEqual([...new Set(found)].sort());
});
