import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { SegmentRecords } from "../pipeline/index.ts";
import { packageArguments, playlistNames } from "./ffmpeg-command.ts";
import { type FfmpegExit, FfmpegProcess } from "./ffmpeg-process.ts";
import type { FfmpegVersion } from "./ffmpeg-version.ts";
import { type FlvTag, flvHeader, flvTagBytes } from "./flv.ts";
import type { Ladder } from "./ladder.ts";
import { progressProblem } from "./media-progress.ts";
import { type Catalogue, type FreshMedia, SessionDirectory } from "./session-directory.ts";
import { removeSessionFiles } from "./session-files.ts";
import type { LadderSettings } from "./session-ladder.ts";
import type { TrackPlan } from "./track-plan.ts";

/** How the media of every publisher are cut. */
export interface PackagingSettings {
  readonly ffmpegPath: string;
  readonly ffmpegVersion: FfmpegVersion;
  readonly segmentTargetS: number;
  /** How long a publisher may send nothing. */
  readonly silenceTimeoutMs: number;
  /** How long a key frame is waited for, to begin or to go on. */
  readonly keyFrameTimeoutMs: number;
  /** Who sends more, but for bursts, is let go. */
  readonly bitrateMaxKbps: number;
  /** What viewers are expected to receive: broadcasters who send more are told. */
  readonly viewerDownlinkKbps: number;
  readonly ladders: LadderSettings;
}

/** One run of ffmpeg, and whom to tell of it. */
export interface PackageRunOptions {
  readonly stream: string;
  /** Name of its directory: no two runs share one. */
  readonly session: string;
  readonly plan: TrackPlan;
  /** Renditions to encode; undefined: the tracks go out as they come. */
  readonly ladder: Ladder | undefined;
  readonly catalogue: Catalogue;
  readonly settings: PackagingSettings;
  readonly log: Logger;
  /** Settles when what came before is registered. */
  readonly turn: Promise<void>;
  /** When its first media came, milliseconds since the UNIX epoch. */
  readonly mediaStartedAtMs: number;
  /** A line of ffmpeg's own words. */
  readonly onLine: (line: string) => void;
  readonly onDrain: () => void;
  readonly onRegistered: (parts: SegmentRecords) => void;
  readonly onMedia: ((media: FreshMedia) => Promise<void>) | undefined;
  /** ffmpeg ended by itself; called once, and not after `stop`. */
  readonly onGone: (exit: FfmpegExit) => void;
}

/** One ffmpeg and the directory into which it cuts. A publish session has one after the other. */
export class PackageRun {
  readonly #settings: PackagingSettings;
  readonly #directory: SessionDirectory;
  readonly #ffmpeg: FfmpegProcess;
  readonly #startedAtMs = performance.now();
  /** When ffmpeg was started or the last segment registered, by the clock that nobody sets. */
  #segmentAtMs = this.#startedAtMs;
  #registeredAny = false;
  #stopping = false;

  /** Makes the directory and starts ffmpeg. Throws the system's error when there is no room for it. */
  constructor(options: PackageRunOptions) {
    const { settings, plan, ladder, log, catalogue, stream, session, turn } = options;
    this.#settings = settings;
    mkdirSync(join(catalogue.mediaRoot, stream, session), { recursive: true });
    this.#directory = new SessionDirectory({
      ...{ catalogue, log, turn, stream, session },
      mediaStartedAtMs: () => options.mediaStartedAtMs,
      onMedia: options.onMedia,
      onRegistered: (parts) => {
        this.#registeredAny = true;
        if (parts[0].init !== null) this.#segmentAtMs = performance.now();
        options.onRegistered(parts);
      },
    });
    this.#directory.expect(playlistNames(ladder));
    this.#directory.watch();
    this.#ffmpeg = new FfmpegProcess({
      binary: settings.ffmpegPath,
      args: packageArguments({
        ...{ plan, ladder, segmentTargetS: settings.segmentTargetS },
        videoEncoder: settings.ladders.videoEncoder,
      }),
      cwd: this.#directory.path,
      ...{ log, onLine: options.onLine, onDrain: options.onDrain },
      onExit: (exit) => {
        if (!this.#stopping) options.onGone(exit);
      },
    });
    const tracks = { video: plan.video !== "none", audio: plan.audio !== "none" };
    this.#ffmpeg.write(flvHeader(tracks));
  }

  get ffmpeg(): Pick<FfmpegProcess, "pid" | "progress"> {
    return this.#ffmpeg;
  }

  get ageMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Since the last segment got complete, or the start. */
  get segmentAgeMs(): number {
    return performance.now() - this.#segmentAtMs;
  }

  /** Writes a tag. False: wait for `onDrain`. */
  write(tag: FlvTag): boolean {
    return this.#ffmpeg.write(flvTagBytes(tag));
  }

  /** Why it is of no use any more; undefined while it is, or may yet be. `gopS` is the publisher's. */
  problem(gopS: number): ReturnType<typeof progressProblem> {
    const { silenceTimeoutMs } = this.#settings;
    const { stalledMs } = this.#ffmpeg;
    return progressProblem({ stalledMs, segmentAgeMs: this.segmentAgeMs, gopS, silenceTimeoutMs });
  }

  /** Looks into the directory, in case the file system does not tell of changes. */
  scan(): Promise<void> {
    return this.#directory.scan();
  }

  /** Ends ffmpeg, and settles when the last segment is registered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ffmpeg.stop();
    await this.#directory.close();
    if (!this.#registeredAny) await removeSessionFiles(this.#directory);
  }
}
