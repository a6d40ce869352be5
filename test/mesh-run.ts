import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Audience, type AudienceMember, type ViewerPlace } from "./audience.ts";
import { eventually } from "./eventually.ts";
import { newestSequence, sha256 } from "./first-light.ts";
import type { Watched } from "./mesh-viewers.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ReleaseTimes } from "./release-times.ts";

export interface MeshRunOptions {
  readonly viewers: readonly ViewerPlace[];
  readonly processes: number;
  /** The origin's own address. */
  readonly originAddress: string;
  /** Length of the steady state that is measured, and of the time after the crash. */
  readonly seconds: number;
  readonly afterCrashS: number;
  readonly streamKbps: number;
  /** The seeder's budget as a multiple of the stream's rate. */
  readonly originUplink: number;
  /** A segment counts as missing if it is not there this long after its release. */
  readonly deadlineMs: number;
  readonly tell?: (line: string) => void;
}

/** What a mesh of real peers came to. */
export interface MeshRun {
  /** Segments of the steady state, and how many of them viewers lacked at the deadline, in all. */
  readonly segments: number;
  readonly missing: number;
  /** The same after the crash, for those who lived on. */
  readonly segmentsAfterCrash: number;
  readonly missingAfterCrash: number;
  /** Segments that viewers put out with other bytes than the origin's. */
  readonly different: number;
  /** 1 - bytes that came from the origin / bytes played, in the steady state. */
  readonly offload: number;
  /** From release, or from the segment's completion at the origin, to verified completion at a viewer. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly fromCompletionP99Ms: number;
  /** How the stream was really coded. */
  readonly streamKbps: number;
  readonly symbolBytes: number;
  readonly repairRatio: number;
}

const STREAM = "main";
const JOIN_TIMEOUT_MS = 90_000;
const SETTLE_MS = 10_000;
const CRASH_SHARE = 0.3;
/** ffmpeg's AAC and the container come on top of the picture. */
const AUDIO_KBPS = 140;

/** Runs an origin and its viewers as real processes, kills 30 % of the viewers, and measures. */
export async function runMesh(options: MeshRunOptions): Promise<MeshRun> {
  const { streamKbps, originUplink, originAddress, tell = () => undefined } = options;
  const folder = await mkdtemp(join(tmpdir(), "starling-"));
  const seederMbps = String((streamKbps * originUplink) / 1000);
  const origin = new OriginProcess(join(folder, "data"), [
    ...["--no-demo", "--retention-count", "1000", "--tokens-per-minute", "10000"],
    ...["--join-work", "0"],
    ...["--seeder-upload-mbps", seederMbps, "--seeder-peer-upload-mbps", seederMbps],
    ...["--host", originAddress, "--webrtc-address", originAddress],
  ]);
  let publisher: Publisher | undefined;
  let audience: Audience | undefined;
  let releases: ReleaseTimes | undefined;
  try {
    await origin.start();
    const videoKbps = streamKbps - AUDIO_KBPS;
    const size = { widthPx: 426, heightPx: 240 };
    publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}`, videoKbps, ...size });
    releases = new ReleaseTimes(origin, STREAM);
    await eventually(
      () => newestSequence(origin),
      20_000,
      () => origin.output,
    );
    tell(`The origin runs at ${origin.httpUrl}.`);
    audience = await Audience.gather(options.viewers, options.processes, {
      apiUrl: origin.httpUrl,
      stream: STREAM,
      maxDelayMs: options.deadlineMs,
    });
    return await measure(options, origin, { audience, releases });
  } finally {
    await audience?.stop();
    await publisher?.end("SIGKILL");
    await releases?.stop();
    await origin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  options: MeshRunOptions,
  origin: OriginProcess,
  { audience, releases }: { readonly audience: Audience; readonly releases: ReleaseTimes },
): Promise<MeshRun> {
  const { seconds, afterCrashS, deadlineMs, tell = () => undefined } = options;
  await eventually(
    () => audience.members.every(({ segments, report }) => segments.size > 0 && report),
    JOIN_TIMEOUT_MS,
    () => audience.log,
  );
  tell(`All ${audience.members.length} viewers play.`);
  await delay(SETTLE_MS);
  const steady = await watch(audience, releases, { seconds, deadlineMs, tell });
  await audience.crash(CRASH_SHARE);
  tell(`${audience.members.length - audience.alive.length} viewers were killed.`);
  const after = await watch(audience, releases, { seconds: afterCrashS, deadlineMs, tell });
  const watched = audience.members.flatMap(({ segments }) => [...segments.values()]);
  const inSteady = watched.filter(({ sequence }) => steady.sequences.includes(sequence));
  const released = inSteady.flatMap(({ sequence, verifiedAtMs }) => {
    const releasedAtMs = releases.releasedAtMs.get(sequence);
    return releasedAtMs === undefined ? [] : [verifiedAtMs - releasedAtMs];
  });
  const fromCompletion = inSteady.map(
    ({ verifiedAtMs, completedAtMs }) => verifiedAtMs - completedAtMs,
  );
  return {
    segments: steady.sequences.length,
    missing: steady.missing,
    segmentsAfterCrash: after.sequences.length,
    missingAfterCrash: after.missing,
    different: await countDifferent(origin, watched),
    offload: steady.offload,
    delayP50Ms: quantile(released, 0.5),
    delayP99Ms: quantile(released, 0.99),
    fromCompletionP99Ms: quantile(fromCompletion, 0.99),
    ...codingOf(inSteady),
  };
}

interface Watching {
  readonly sequences: readonly number[];
  readonly missing: number;
  readonly offload: number;
}

/** Watches for some seconds, then waits until what was released meanwhile is there or overdue. */
async function watch(
  audience: Audience,
  { releasedAtMs }: ReleaseTimes,
  options: {
    readonly seconds: number;
    readonly deadlineMs: number;
    readonly tell: (line: string) => void;
  },
): Promise<Watching> {
  const { seconds, deadlineMs, tell } = options;
  const fromMs = Date.now();
  const before = totalsOf(audience.alive);
  for (let second = 5; second <= seconds; second += 5) {
    await delay(5000);
    tell(`${second} of ${seconds} s: ${countSegments(audience.alive)} segments`);
  }
  const untilMs = Date.now();
  const { played, origin } = totalsOf(audience.alive);
  await delay(deadlineMs);
  const sequences = [...releasedAtMs.keys()].filter((sequence) => {
    const atMs = releasedAtMs.get(sequence) ?? 0;
    return atMs >= fromMs && atMs < untilMs;
  });
  let missing = 0;
  for (const { segments } of audience.alive) {
    for (const sequence of sequences) {
      const verifiedAtMs = segments.get(sequence)?.verifiedAtMs ?? Number.POSITIVE_INFINITY;
      if (verifiedAtMs - (releasedAtMs.get(sequence) ?? 0) > deadlineMs) missing++;
    }
  }
  return { sequences, missing, offload: 1 - (origin - before.origin) / (played - before.played) };
}

function totalsOf(members: readonly AudienceMember[]): { played: number; origin: number } {
  let played = 0;
  let origin = 0;
  for (const { report } of members) {
    played += report?.playedBytes ?? 0;
    origin += (report?.fromSeedsBytes ?? 0) + (report?.fromHttpBytes ?? 0);
  }
  return { played, origin };
}

function countSegments(members: readonly AudienceMember[]): number {
  return members.reduce((sum, { segments }) => sum + segments.size, 0);
}

async function countDifferent(origin: OriginProcess, watched: readonly Watched[]): Promise<number> {
  const digests = new Map<number, string>();
  for (const sequence of new Set(watched.map((segment) => segment.sequence))) {
    const response = await fetch(`${origin.httpUrl}/live/${STREAM}/${sequence}.m4s`);
    if (!response.ok) throw new Error(`Segment ${sequence}: HTTP ${response.status}.`);
    digests.set(sequence, sha256(new Uint8Array(await response.arrayBuffer())));
  }
  return watched.filter((segment) => digests.get(segment.sequence) !== segment.sha256).length;
}

/** How the blocks of the steady state were coded, for the simulator. */
function codingOf(
  watched: readonly Watched[],
): Pick<MeshRun, "streamKbps" | "symbolBytes" | "repairRatio"> {
  const distinct = [...new Map(watched.map((segment) => [segment.sequence, segment])).values()];
  const sum = (pick: (segment: Watched) => number): number =>
    distinct.reduce((total, segment) => total + pick(segment), 0);
  const source = sum(({ sourceSymbols }) => sourceSymbols);
  return {
    streamKbps: Math.round((sum(({ byteLength }) => byteLength) * 8) / 1000 / distinct.length),
    symbolBytes: distinct[0]?.symbolBytes ?? 0,
    repairRatio: sum(({ symbols }) => symbols) / source - 1,
  };
}

/** The nearest-rank quantile for 0 < `share` <= 1, to a millisecond; 0 without values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
}
