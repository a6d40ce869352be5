import type { LineSurvey } from "../../pipeline/index.ts";
import type { DiskLevel } from "../disk-watch.ts";
import type { TrackPlan } from "../track-plan.ts";
import type { SourceFacts } from "./source-meter.ts";

/** `info`: works, and could be better. `warning`: viewers notice. `error`: viewers see no live picture. */
export type Severity = "info" | "warning" | "error";

/** One thing that is wrong with a broadcast, in words for the broadcaster. */
export interface Symptom {
  /** Stable; what programs compare. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly cure: string;
}

/** A broadcast as it is now. */
export interface Patient extends SourceFacts {
  readonly plan: TrackPlan;
  /** Whether renditions are made of the picture, and why not, if they were asked for. */
  readonly ladder: { readonly isOn: boolean; readonly refusal: string | undefined };
  readonly bitrateKbps: number;
  /** What viewers can be expected to receive, while few have measured it. */
  readonly viewerDownlinkKbps: number;
  /** How many viewers measured their lines, and how many of them less than the bitrate. */
  readonly viewerLines: LineSurvey;
  /** Media time written per time passed; undefined until ffmpeg says. */
  readonly speed: number | undefined;
  /** Since the last segment got complete, or ffmpeg was started. */
  readonly segmentAgeMs: number;
  /** While no ffmpeg runs: how many have failed one after the other. */
  readonly failuresInARow: number;
  readonly disk: DiskLevel;
}

/** So many viewers say more of their lines than anybody's expectation. */
const VIEWERS_MIN = 5;
const SLOW_VIEWERS_SHARE = 0.1;
const GOP_WARNING_S = 2.5;
const GOP_ERROR_S = 6;
const GROUPS_MIN = 4;
const IRREGULAR_RATIO = 1.5;
const IRREGULAR_S = 0.5;
const REORDER_WARNING_MS = 200;
const UNEVEN_SHARE = 0.1;
const DROPPED_SHARE = 0.01;
const SILENT_MS = 3000;
const LAG_WARNING_MS = 2000;
const LAG_ERROR_MS = 6000;
const DRIFT_PPM = 1000;
const SEGMENT_LATE_MS = 6000;
const SEGMENT_LATE_GOPS = 2.5;
const FAILURES_ALARM = 5;
const SPEED_MIN = 0.95;
const RATES_HZ = [44_100, 48_000];

type Examination = (patient: Patient) => Symptom | undefined;

/** All that is looked for. Each tells one thing, and of a cause rather than of what follows from it. */
const EXAMINATIONS: readonly Examination[] = [
  keyFrames,
  regularity,
  reordering,
  frameRate,
  drops,
  pictureMissing,
  soundMissing,
  soundRate,
  bitrate,
  codec,
  encoding,
  renditions,
  upload,
  clock,
  jumps,
  room,
  segments,
  packager,
];

/** What is wrong with a broadcast at this moment. */
export function examine(patient: Patient): Symptom[] {
  return EXAMINATIONS.map((look) => look(patient)).filter((found) => found !== undefined);
}

/** Whether the encoder's own key frames and B-frames reach the viewers. */
function isPassedOn({ plan, ladder }: Patient): boolean {
  return plan.video === "copy" && !ladder.isOn;
}

function keyFrames(patient: Patient): Symptom | undefined {
  const { gopS } = patient;
  if (!isPassedOn(patient) || gopS <= GOP_WARNING_S) return undefined;
  return {
    code: "keyframe-interval-long",
    severity: gopS > GOP_ERROR_S ? "error" : "warning",
    message: `The key frames are far apart (${gopS.toFixed(1)} s), so viewers are far behind and wait long at the start.`,
    cure: "Set the keyframe interval of the encoder to 1 s (OBS: Settings, Output, Streaming; not 0 = auto).",
  };
}

function regularity(patient: Patient): Symptom | undefined {
  const { groupsS } = patient;
  const [shortest, longest] = [Math.min(...groupsS), Math.max(...groupsS)];
  if (!isPassedOn(patient) || groupsS.length < GROUPS_MIN) return undefined;
  if (longest < IRREGULAR_RATIO * shortest || longest - shortest < IRREGULAR_S) return undefined;
  return {
    code: "keyframe-interval-irregular",
    severity: "warning",
    message: `The key frames come at ${shortest.toFixed(1)} to ${longest.toFixed(1)} s, so segments are of uneven length.`,
    cure: "Turn off scene-cut detection (OBS with x264: x264 Options scenecut=0; ffmpeg: -sc_threshold 0), and set a fixed keyframe interval.",
  };
}

function reordering(patient: Patient): Symptom | undefined {
  const { reorderMs } = patient;
  if (!isPassedOn(patient) || reorderMs === 0) return undefined;
  return {
    code: "b-frames",
    severity: reorderMs > REORDER_WARNING_MS ? "warning" : "info",
    message: `The encoder uses B-frames, which delay the picture by up to ${reorderMs} ms.`,
    cure: "Set Max B-frames to 0 for the least delay (x264: tune zerolatency); up to 2 do little harm.",
  };
}

function frameRate({ unevenShare, droppedShare }: Patient): Symptom | undefined {
  if (unevenShare + droppedShare <= UNEVEN_SHARE) return undefined;
  return {
    code: "frame-rate-variable",
    severity: "warning",
    message: "The frame rate varies, so the picture judders and key frames drift.",
    cure: "Send a constant frame rate (OBS does; ffmpeg: -r 30 -fps_mode cfr; phones: turn off adaptive frame rate).",
  };
}

function drops({ fps, unevenShare, droppedShare }: Patient): Symptom | undefined {
  if (droppedShare < DROPPED_SHARE || unevenShare + droppedShare > UNEVEN_SHARE) return undefined;
  return {
    code: "frames-dropped",
    severity: "warning",
    message: `The encoder drops ${(droppedShare * 100).toFixed(0)} % of its ${Math.round(fps ?? 0)} frames a second.`,
    cure: "The broadcaster's machine or uplink is at its limit: choose a faster preset, a smaller picture or a lower bitrate.",
  };
}

function pictureMissing({ plan, videoAgeMs }: Patient): Symptom | undefined {
  if (plan.video === "none") {
    return {
      code: "video-missing",
      severity: "info",
      message: "The broadcast has sound and no picture.",
      cure: "If that is not wanted, add a video source and an H.264 encoder.",
    };
  }
  if ((videoAgeMs ?? 0) <= SILENT_MS) return undefined;
  return {
    code: "video-stopped",
    severity: "error",
    message: `No picture has come for ${((videoAgeMs ?? 0) / 1000).toFixed(0)} s.`,
    cure: "Look whether the encoder still runs and the uplink still works; then restart the broadcast.",
  };
}

function soundMissing({ plan, audioAgeMs }: Patient): Symptom | undefined {
  if (plan.audio === "none") {
    return {
      code: "audio-missing",
      severity: "warning",
      message: "The broadcast has no sound.",
      cure: "Add an audio source, and see that the track is chosen for streaming (OBS: Output, Audio Track).",
    };
  }
  if ((audioAgeMs ?? 0) <= SILENT_MS || plan.video === "none") return undefined;
  return {
    code: "audio-stopped",
    severity: "error",
    message: `The sound was announced, and none has come for ${((audioAgeMs ?? 0) / 1000).toFixed(0)} s.`,
    cure: "Look at the encoder's audio device; players wait for sound that does not come.",
  };
}

function soundRate({ plan, audioFormat }: Patient): Symptom | undefined {
  if (plan.audio !== "copy" || audioFormat === undefined) return undefined;
  if (RATES_HZ.includes(audioFormat.rateHz)) return undefined;
  return {
    code: "audio-rate",
    severity: "warning",
    message: `The sound has ${audioFormat.rateHz} samples a second; players are made for 44,100 and 48,000.`,
    cure: "Set the sample rate to 48 kHz (OBS: Settings, Audio).",
  };
}

function bitrate(patient: Patient): Symptom | undefined {
  const { bitrateKbps, viewerDownlinkKbps, viewerLines, ladder } = patient;
  const { viewers, slower } = viewerLines;
  const told = { code: "bitrate-high", severity: "warning" } as const;
  if (viewers >= VIEWERS_MIN) {
    // With a ladder, they watch a smaller rendition.
    if (ladder.isOn || slower < SLOW_VIEWERS_SHARE * viewers) return undefined;
    return {
      ...told,
      message: `The broadcast has ${megabits(bitrateKbps)} Mb/s; ${slower} of ${viewers} viewers measured less than that on their lines.`,
      cure: "Lower the bitrate, or have the origin make smaller renditions (--renditions ladder).",
    };
  }
  if (bitrateKbps <= viewerDownlinkKbps) return undefined;
  return {
    ...told,
    message: `The broadcast has ${megabits(bitrateKbps)} Mb/s; viewers are expected to receive ${megabits(viewerDownlinkKbps)} Mb/s.`,
    cure: "Lower the bitrate, or tell the origin that its viewers have more (--viewer-downlink-mbps).",
  };
}

function codec(patient: Patient): Symptom | undefined {
  const { plan } = patient;
  const names = [
    ...(plan.video === "transcode" ? [plan.videoCodec?.name ?? "the picture"] : []),
    ...(plan.audio === "transcode" ? [plan.audioCodec?.name ?? "the sound"] : []),
  ];
  if (names.length === 0 || encoding(patient) !== undefined) return undefined;
  return {
    code: "codec-transcoded",
    severity: "info",
    message: `${names.join(" and ")} cannot be passed on as it is, and is transcoded.`,
    cure: "Send H.264 and AAC: it saves the origin a core, and the picture a loss.",
  };
}

function encoding({ plan, ladder, speed }: Patient): Symptom | undefined {
  const isEncoding = ladder.isOn || plan.video === "transcode" || plan.audio === "transcode";
  if (!isEncoding || speed === undefined || speed >= SPEED_MIN) return undefined;
  return {
    code: "transcode-slow",
    severity: "error",
    message: `This machine is too slow for the picture: ${speed.toFixed(2)} s of it are made in each second.`,
    cure: "Make fewer or smaller renditions, send H.264 and AAC, which can be passed on, or a smaller picture.",
  };
}

function renditions({ ladder }: Patient): Symptom | undefined {
  if (ladder.refusal === undefined) return undefined;
  return {
    code: "ladder-refused",
    severity: "warning",
    message: `The stream goes out without its renditions, as it comes in. ${ladder.refusal}`,
    cure: "Ask for fewer or smaller renditions, use a hardware encoder, or allow more (--ladder-cores).",
  };
}

function upload(patient: Patient): Symptom | undefined {
  const { lagMs, videoAgeMs, audioAgeMs } = patient;
  const isSlowHere = encoding(patient) !== undefined; // Then it is we who read slowly.
  const ageMs = Math.min(videoAgeMs ?? Number.POSITIVE_INFINITY, audioAgeMs ?? videoAgeMs ?? 0);
  if (isSlowHere || lagMs + ageMs < LAG_WARNING_MS) return undefined;
  return {
    code: "upload-slow",
    severity: lagMs + ageMs > LAG_ERROR_MS ? "error" : "warning",
    message: `The media come ${((lagMs + ageMs) / 1000).toFixed(1)} s later than they did: segments are late.`,
    cure: "The uplink is too slow for the bitrate: lower it to 70 % of what the uplink carries, or use a cable instead of Wi-Fi.",
  };
}

function clock({ driftPpm, lagMs }: Patient): Symptom | undefined {
  if (driftPpm === undefined || Math.abs(driftPpm) < DRIFT_PPM || lagMs > LAG_WARNING_MS) {
    return undefined;
  }
  const direction = driftPpm > 0 ? "fast" : "slow";
  return {
    code: "clock-drift",
    severity: "warning",
    message: `The encoder's clock is ${direction} by ${(Math.abs(driftPpm) * 0.06).toFixed(0)} ms a minute, so viewers come to wait or to fall behind.`,
    cure: "Let the encoder take its time from the computer, not from a capture card or audio interface; with ffmpeg use -re.",
  };
}

function jumps({ jumps: count }: Patient): Symptom | undefined {
  if (count === 0) return undefined;
  return {
    code: "timestamps-jump",
    severity: "warning",
    message: `The encoder's timestamps leapt ${count === 1 ? "once" : `${count} times`} in the last minute.`,
    cure: "Restart the broadcast. Playlists of files that are joined need new timestamps (ffmpeg: -fflags +genpts).",
  };
}

function room({ disk }: Patient): Symptom | undefined {
  if (disk === "ok") return undefined;
  const cure =
    "Keep fewer segments (--retention-count), raise --disk-quota-gb, or free space on the disk of the data folder.";
  if (disk === "full") {
    const message = "The origin's disk is full: segments are lost until there is room.";
    return { code: "disk-full", severity: "error", message, cure };
  }
  const removal = disk === "critical" ? ": the oldest are removed early" : "";
  const message = `The origin's media have nearly filled their room${removal}.`;
  return { code: "disk-high", severity: "warning", message, cure };
}

function segments(patient: Patient): Symptom | undefined {
  const { segmentAgeMs, gopS, disk, videoAgeMs, audioAgeMs } = patient;
  const lateMs = Math.max(SEGMENT_LATE_MS, SEGMENT_LATE_GOPS * gopS * 1000);
  const ageMs = Math.min(videoAgeMs ?? SILENT_MS, audioAgeMs ?? SILENT_MS);
  if (disk === "full" || segmentAgeMs < lateMs || ageMs >= SILENT_MS) return undefined;
  return {
    code: "segments-missing",
    severity: "error",
    message: `Media come in, and no segment has become complete for ${(segmentAgeMs / 1000).toFixed(0)} s.`,
    cure: "The log of the ingest tells why: its disk, its ffmpeg, or Redis. A broadcast without key frames needs a keyframe interval.",
  };
}

function packager({ failuresInARow, disk }: Patient): Symptom | undefined {
  if (failuresInARow === 0 || disk === "full") return undefined;
  return {
    code: "ffmpeg-failing",
    severity: failuresInARow >= FAILURES_ALARM ? "error" : "warning",
    message: `The origin's ffmpeg has failed ${failuresInARow === 1 ? "once" : `${failuresInARow} times in a row`} and is started again.`,
    cure: "The last lines of ffmpeg tell why (GET /api/v1/streams/:id/log); restart the broadcast if it stays.",
  };
}

function megabits(kbps: number): string {
  return (kbps / 1000).toFixed(1);
}
