import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { RenditionPolicy } from "../core/index.ts";
import {
  BlockStore,
  ChildLogs,
  connectRedis,
  createEncodeQueue,
  PublishSessions,
  REPORT_INTERVAL_MS,
  Recordings,
  StreamRegistry,
  startHeartbeat,
  Timeline,
  ViewerLines,
} from "../pipeline/index.ts";
import { CoreBudget } from "./core-budget.ts";
import { DiskWatch } from "./disk-watch.ts";
import { ffmpegVersion } from "./ffmpeg-version.ts";
import type { PackagingSettings } from "./package-run.ts";
import { Periodic } from "./periodic.ts";

import type { IngestStatus } from "./publication-status.ts";
import { PublishDoor } from "./publish-door.ts";
import { reconcile } from "./reconciliation.ts";
import { Recorder } from "./recorder.ts";
import { Retention } from "./retention.ts";
import { type RtmpServer, startRtmpServer } from "./rtmp/server.ts";
import type { TlsFiles } from "./rtmp/tls-door.ts";
import { checkSlate, type SlateOptions, Slates } from "./slate.ts";
import type { SrtDoor } from "./srt-command.ts";
import { SrtListener } from "./srt-listener.ts";
import { Thumbnails } from "./thumbnails.ts";
import { chosenEncoder } from "./video-encoder.ts";

/** How to run the ingest role. */
export interface IngestOptions {
  readonly redisUrl: string;
  /** Where segments are written; made when missing. */
  readonly mediaRoot: string;
  readonly log: Logger;
  /** Default 0.0.0.0. */
  readonly rtmpHost?: string | undefined;
  /** 0 takes any free port. Default 1935. */
  readonly rtmpPort?: number | undefined;
  /** Takes RTMPS on the same port, with this certificate. Default: RTMP only. */
  readonly tls?: TlsFiles | undefined;
  /** Connections at a time. Default 200. */
  readonly connectionsMax?: number | undefined;
  /** Default 5 s. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** From the connection to the first audio or video. Default 15 s. */
  readonly firstPacketTimeoutMs?: number | undefined;
  /** Default 10 s. */
  readonly silenceTimeoutMs?: number | undefined;
  /** How long a publisher may send pictures and no key frame, when one is needed. Default 30 s. */
  readonly keyFrameTimeoutMs?: number | undefined;
  /** Who sends more for more than 10 s is let go. Default 100 Mb/s. */
  readonly bitrateMaxKbps?: number | undefined;
  /** How long a publisher that vanished keeps its stream. Default 5 s. */
  readonly leaseMs?: number | undefined;
  /** Default 1 s. */
  readonly segmentTargetS?: number | undefined;
  /** Media segments kept per stream. Default 300. */
  readonly retentionCount?: number | undefined;
  /** Ports for SRT, one for each stream. Default: none. */
  readonly srt?: readonly SrtDoor[] | undefined;
  /** What a server in front, which checks keys itself, shows at the RTMP door. Default: there is none. */
  readonly frontSecret?: string | undefined;
  /** Whether streams are recorded that say nothing themselves. Default false. */
  readonly recording?: boolean | undefined;
  /** How long a broadcaster may be away and go on in the same recording. Default 60 s. */
  readonly recordingPauseMs?: number | undefined;
  /** A picture or a clip that is shown while a broadcaster is away. Default: nothing is. */
  readonly slateFile?: string | undefined;
  /** How long it is shown at most. Default 5 min. */
  readonly slateMaxMs?: number | undefined;
  /** Between two pictures of a stream for its operator; 0: none. Default 10 s. */
  readonly thumbnailIntervalMs?: number | undefined;
  /** What the media may take on disk. Default: what the disk holds, but for a reserve. */
  readonly diskQuotaBytes?: number | undefined;
  /** What viewers are expected to receive; broadcasters who send more are told. Default 10 Mb/s. */
  readonly viewerDownlinkKbps?: number | undefined;
  /** Default "ffmpeg". */
  readonly ffmpegPath?: string | undefined;
  /** What streams are made into that say nothing themselves. Default "passthrough". */
  readonly renditions?: RenditionPolicy | undefined;
  /** Cores that ladders may take. Default three quarters of the machine's. */
  readonly ladderCores?: number | undefined;
  /** As `ffmpeg -encoders` names it, and its arguments. Default libx264. */
  readonly videoEncoder?: string | undefined;
  readonly videoEncoderArgs?: string | undefined;
}

/** A running ingest. */
export interface Ingest {
  readonly rtmpPort: number;
  /** What is reported to the operator, now. */
  status(): IngestStatus;
  /** Lets the publishers go, finishes their last segments and stops. */
  close(): Promise<void>;
}

const LADDER_CORES_SHARE = 0.75;
const RETENTION_DEFAULT = 300;
const RETENTION_INTERVAL_MS = 10_000;
const DISK_INTERVAL_MS = 3000;
const RECORDING_INTERVAL_MS = 1000;
const THUMBNAIL_INTERVAL_MS = 10_000;
const SLATE_MAX_MS = 300_000;
const SILENCE_TIMEOUT_MS = 10_000;
const KEY_FRAME_TIMEOUT_MS = 30_000;
const BITRATE_MAX_KBPS = 100_000;
const VIEWER_DOWNLINK_KBPS = 10_000;
/** An ffmpeg that does not stop takes 7 s. Without Redis the rest waits for the next start. */
const CLOSE_MAX_MS = 9000;

/**
 * Runs the RTMP door and everything behind it until `close`.
 * Throws StarlingError "ffmpeg-missing", "video-encoder", "rtmp-port", "rtmps-certificate", "slate-file" or "redis-url".
 */
export async function runIngest(options: IngestOptions): Promise<Ingest> {
  const { log, mediaRoot } = options;
  const settings = await packagingSettings(options);
  if (options.slateFile !== undefined) await checkSlate(options.slateFile);
  await mkdir(mediaRoot, { recursive: true });
  const redis = connectRedis(options.redisUrl);
  redis.on("error", (error) => log.warn({ err: error }, "the connection to Redis failed"));
  try {
    return await start(options, settings, redis);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

async function start(
  options: IngestOptions,
  settings: PackagingSettings,
  redis: Redis,
): Promise<Ingest> {
  const { log, mediaRoot, retentionCount = RETENTION_DEFAULT } = options;
  const registry = new StreamRegistry(redis);
  const sessions = new PublishSessions(redis);
  const timeline = new Timeline(redis);
  const encodeQueue = createEncodeQueue(redis);
  encodeQueue.on("error", (error) => log.warn({ err: error }, "the encode queue failed"));
  const catalogue = { mediaRoot, timeline, encodeQueue, registry };
  const store = new BlockStore(mediaRoot);
  const recordings = new Recordings(mediaRoot);
  const places = { mediaRoot, registry, sessions, timeline, store, recordings };
  const retention = new Retention({ ...places, keepCount: retentionCount, log });
  const stopping = new AbortController();

  await retention.trim();
  const reconciliation = await reconcile({ catalogue, redis, log, signal: stopping.signal });
  const swept = reconciliation.done.then(() => retention.sweep());
  swept.catch((error: unknown) => log.warn({ err: error }, "old media could not be swept"));
  const { leaseMs } = options;
  const disk = new DiskWatch({
    ...{ mediaRoot, log, quotaBytes: options.diskQuotaBytes },
    shed: (byteLength) => retention.shed(byteLength),
  });
  const { ffmpegPath } = settings;
  const pauseMaxMs = options.recordingPauseMs;
  const recorder = new Recorder({ mediaRoot, ffmpegPath, log, pauseMaxMs });
  await recorder.start();
  const intervalMs = options.thumbnailIntervalMs ?? THUMBNAIL_INTERVAL_MS;
  const thumbnails = new Thumbnails({ mediaRoot, ffmpegPath, intervalMs, log });
  const door = new PublishDoor({
    ...{ registry, sessions, catalogue, settings, log, leaseMs, reconciliation },
    disk: () => disk.status,
    childLogs: new ChildLogs(redis),
    viewerLines: new ViewerLines(redis),
    frontSecret: options.frontSecret,
    onLeft: (stream, format) => slates?.show(stream, format),
    recording: options.recording === true,
    recorder,
    thumbnails,
  });
  const slates = slatesOf(options, settings, door);
  const server = await openDoor(options, door);
  const srt = openSrt(options, settings, door);
  const status = (): IngestStatus => ({
    ...door.status(),
    rejections: Object.fromEntries(server.rejections),
    disk: disk.status,
  });
  const role = { redis, name: "ingest", instance: randomUUID() };
  const report = async (): Promise<IngestStatus> => {
    door.tick(REPORT_INTERVAL_MS);
    return status();
  };
  const stopHeartbeat = startHeartbeat(role, report, log);
  const trimming = new Periodic(RETENTION_INTERVAL_MS, () => retention.trim(), log);
  const watching = new Periodic(DISK_INTERVAL_MS, () => disk.look(), log);
  const recording = new Periodic(RECORDING_INTERVAL_MS, () => recorder.look(), log);
  log.info({ port: server.port, ffmpeg: settings.ffmpegVersion.name }, "ingest: waiting for RTMP");
  return {
    rtmpPort: server.port,
    status,
    close: async () => {
      stopping.abort();
      recorder.stop();
      stopHeartbeat();
      await Promise.all([slates?.close(), server.close(), ...srt.map((one) => one.close())]);
      const chores = [trimming.stop(), watching.stop(), recording.stop(), swept];
      const finished = Promise.all([door.close(), Promise.allSettled(chores)]);
      await Promise.race([
        finished.then(() => thumbnails.close()),
        delay(CLOSE_MAX_MS, undefined, { ref: false }),
      ]);
      await encodeQueue.close();
      redis.disconnect();
    },
  };
}

async function packagingSettings(options: IngestOptions): Promise<PackagingSettings> {
  const { ffmpegPath = "ffmpeg" } = options;
  return {
    ffmpegPath,
    ffmpegVersion: await ffmpegVersion(ffmpegPath),
    segmentTargetS: options.segmentTargetS ?? 1,
    silenceTimeoutMs: options.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS,
    keyFrameTimeoutMs: options.keyFrameTimeoutMs ?? KEY_FRAME_TIMEOUT_MS,
    bitrateMaxKbps: options.bitrateMaxKbps ?? BITRATE_MAX_KBPS,
    viewerDownlinkKbps: options.viewerDownlinkKbps ?? VIEWER_DOWNLINK_KBPS,
    ladders: {
      renditions: options.renditions ?? "passthrough",
      videoEncoder: await chosenEncoder(ffmpegPath, options),
      budget: new CoreBudget(options.ladderCores ?? LADDER_CORES_SHARE * availableParallelism()),
    },
  };
}

function openDoor(options: IngestOptions, door: PublishDoor): Promise<RtmpServer> {
  return startRtmpServer({
    host: options.rtmpHost ?? "0.0.0.0",
    port: options.rtmpPort ?? 1935,
    tls: options.tls,
    connectionsMax: options.connectionsMax ?? 200,
    timeouts: {
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? 5000,
      firstPacketTimeoutMs: options.firstPacketTimeoutMs ?? 15_000,
      silenceTimeoutMs: options.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS,
    },
    open: (request, control) => door.open(request, control),
    log: options.log,
  });
}

function slatesOf(
  { slateFile, slateMaxMs = SLATE_MAX_MS, log }: IngestOptions,
  { ffmpegPath }: PackagingSettings,
  door: PublishDoor,
): Slates | undefined {
  if (slateFile === undefined) return undefined;
  const request = { filler: true, remoteAddress: "slate" };
  const open: SlateOptions["open"] = (stream, control) => door.openStream(stream, control, request);
  return new Slates({ file: slateFile, maxMs: slateMaxMs, ffmpegPath, open, log });
}

function openSrt(
  { srt = [], rtmpHost = "0.0.0.0", log }: IngestOptions,
  { ffmpegPath, silenceTimeoutMs }: PackagingSettings,
  door: PublishDoor,
): SrtListener[] {
  return srt.map(
    (one) =>
      new SrtListener({
        ...{ door: one, host: rtmpHost, ffmpegPath, silenceTimeoutMs, log },
        open: (control) =>
          door.openStream(one.stream, control, { filler: false, remoteAddress: "SRT" }),
        onRefused: (code, reason) => door.refused(one.stream, code, reason),
      }),
  );
}
