import type { Logger } from "pino";
import type { PublishSession, SegmentRecords } from "../pipeline/index.ts";
import type { DiskStatus } from "./disk-watch.ts";
import { examine } from "./doctor/diagnosis.ts";
import { Doctor } from "./doctor/doctor.ts";
import { SourceMeter } from "./doctor/source-meter.ts";
import { packageArguments } from "./ffmpeg-command.ts";
import { type FfmpegExit, FfmpegProcess } from "./ffmpeg-process.ts";
import type { FfmpegVersion } from "./ffmpeg-version.ts";
import { FLV_TAG, type FlvTag, flvHeader, flvTagBytes } from "./flv.ts";
import { GopMeter } from "./gop-meter.ts";
import { progressProblem } from "./media-progress.ts";
import { type PublicationStatus, RateMeter, sourceStatus } from "./publication-status.ts";
import type { PublisherControl, TagSink } from "./rtmp/connection.ts";
import { type Catalogue, SessionDirectory } from "./session-directory.ts";
import { removeSessionFiles } from "./session-files.ts";
import { type TrackPlan, TrackPlanner } from "./track-plan.ts";

const TICK_MS = 1000;
/** What is held while it is not clear which tracks come. */
const HELD_BYTES_MAX = 16 << 20;
const HELD_TAGS_MAX = 10_000;

/** How the media of every publisher are cut. */
export interface PackagingSettings {
  readonly ffmpegPath: string;
  readonly ffmpegVersion: FfmpegVersion;
  readonly segmentTargetS: number;
  /** How long a publisher may send nothing. */
  readonly silenceTimeoutMs: number;
  /** What viewers are expected to receive: broadcasters who send more are told. */
  readonly viewerDownlinkKbps: number;
}

/** One accepted publisher. */
export interface PublicationOptions {
  readonly session: PublishSession;
  readonly control: PublisherControl;
  readonly catalogue: Catalogue;
  readonly settings: PackagingSettings;
  readonly log: Logger;
  /** Settles when older sessions of the stream have registered their segments. */
  readonly turn: Promise<void>;
  readonly onSegment: () => void;
  /** How much room the media have now. */
  readonly disk: () => DiskStatus;
}

/**
 * One broadcaster's connection on its way to disk: holds the lease of the stream, feeds FLV to
 * ffmpeg and has complete segments registered. Its end, whoever causes it, is `end`.
 */
export class Publication implements TagSink {
  /** Settles when ffmpeg is gone and the last segment is registered. */
  readonly finished: Promise<void>;
  readonly #options: PublicationOptions;
  readonly #log: Logger;
  readonly #directory: SessionDirectory;
  readonly #planner = new TrackPlanner();
  readonly #gop = new GopMeter();
  readonly #source = new SourceMeter(this.#gop);
  readonly #doctor: Doctor;
  readonly #rate = new RateMeter();
  readonly #timer: NodeJS.Timeout;
  readonly #finish: () => void;
  #held: FlvTag[] = [];
  #heldBytes = 0;
  #plan: TrackPlan | undefined;
  #ffmpeg: FfmpegProcess | undefined;
  #mediaStartedAtMs: number | undefined;
  #segments = 0;
  #registeredAny = false;
  /** When ffmpeg was started or the last segment registered, by the clock that nobody sets. */
  #segmentAtMs = 0;
  #renewing = false;
  #ended = false;

  /** The session's directory exists. */
  constructor(options: PublicationOptions) {
    const { session, catalogue, log, turn } = options;
    this.#options = options;
    this.#log = log;
    this.#doctor = new Doctor(log);
    this.#directory = new SessionDirectory({
      ...{ catalogue, log, turn, stream: session.stream, session: session.id },
      mediaStartedAtMs: () => this.#mediaStartedAtMs,
      onRegistered: (parts) => this.#registered(parts),
    });
    this.#directory.watch();
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
    let finish = (): void => {};
    this.finished = new Promise((resolve) => {
      finish = resolve;
    });
    this.#finish = finish;
  }

  get stream(): string {
    return this.#options.session.stream;
  }

  /** What the operator sees of this publisher. */
  status(): PublicationStatus {
    const { session } = this.#options;
    return {
      stream: session.stream,
      session: session.id,
      filler: session.filler,
      sinceMs: session.startedAtMs,
      bitrateKbps: this.#rate.kbps,
      fps: this.#ffmpeg?.progress?.fps ?? null,
      lastSegmentAgeMs: this.#segments === 0 ? null : Math.round(this.#segmentAgeMs),
      segments: this.#segments,
      gopS: this.#gop.gopS,
      video: this.#plan?.videoCodec?.name ?? null,
      audio: this.#plan?.audioCodec?.name ?? null,
      source: sourceStatus(this.#source.facts(performance.now())),
      findings: this.#doctor.findings,
    };
  }

  write(tag: FlvTag): boolean {
    if (this.#ended) return true;
    if (tag.type !== FLV_TAG.script) this.#mediaStartedAtMs ??= Date.now();
    this.#rate.add(tag.payload.length);
    this.#gop.push(tag);
    this.#source.push(performance.now(), tag);
    if (this.#ffmpeg !== undefined) return this.#ffmpeg.write(flvTagBytes(tag));
    this.#held.push(tag);
    this.#heldBytes += tag.payload.length;
    const plan = this.#planner.push(tag);
    if (plan !== undefined) return this.#start(plan);
    if (this.#heldBytes > HELD_BYTES_MAX || this.#held.length > HELD_TAGS_MAX) {
      this.#fail("publisher-unreadable", UNREADABLE);
    }
    return true;
  }

  /** Extends the lease of the stream, or ends the connection when the lease is another's by now. */
  async renew(): Promise<void> {
    if (this.#renewing) return; // Redis is slow or away; its client asks again by itself.
    this.#renewing = true;
    const renewed = await this.#options.session.renew().catch((error: unknown) => {
      this.#log.warn({ err: error }, "the lease of the stream could not be renewed; trying again");
      return true;
    });
    this.#renewing = false;
    if (renewed || this.#ended) return;
    if (this.#options.session.filler) {
      this.#fail("publisher-evicted", "A real broadcaster takes over from the test card.");
    } else {
      this.#fail("publisher-lease-lost", "The stream was deleted, or Redis was away for too long.");
    }
  }

  end(code: string, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    void this.#windDown(code, reason);
  }

  async #windDown(code: string, reason: string): Promise<void> {
    // The lease goes at once: a broadcaster who reconnects must not be told "busy".
    const lease = this.#tried(this.#options.session.close());
    await this.#ffmpeg?.stop();
    await this.#tried(this.#directory.close());
    if (!this.#registeredAny) await this.#tried(removeSessionFiles(this.#directory));
    await lease;
    this.#log.info({ code, segments: this.#segments }, `publish session over: ${reason}`);
    this.#finish();
  }

  /** What fails at the end must not keep the rest from ending. */
  async #tried(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      this.#log.error({ err: error }, "the publish session did not end cleanly");
    });
  }

  #start(plan: TrackPlan): boolean {
    const { settings } = this.#options;
    const unreadable = [plan.videoCodec, plan.audioCodec].find((codec) => codec?.enhanced);
    if (unreadable !== undefined && !settings.ffmpegVersion.readsEnhancedFlv) {
      const cure = "Set the encoder to H.264 and AAC, or install ffmpeg 6.1 or newer.";
      const has = `ffmpeg ${settings.ffmpegVersion.name} cannot read "${unreadable.name}" over RTMP.`;
      this.#fail("publisher-codec", `${has} ${cure}`);
      return true;
    }
    this.#plan = plan;
    const tracks = { video: plan.video !== "none", audio: plan.audio !== "none" };
    this.#log.info(
      {
        video: `${plan.videoCodec?.name ?? "none"}: ${plan.video}`,
        audio: `${plan.audioCodec?.name ?? "none"}: ${plan.audio}`,
      },
      "the publisher's tracks are known",
    );
    const ffmpeg = new FfmpegProcess({
      binary: settings.ffmpegPath,
      args: packageArguments({ plan, ...settings }),
      cwd: this.#directory.path,
      log: this.#log,
      onDrain: () => this.#options.control.resume(),
      onExit: (exit) => this.#ffmpegGone(exit),
    });
    this.#ffmpeg = ffmpeg;
    this.#segmentAtMs = performance.now();
    ffmpeg.write(flvHeader(tracks));
    const results = this.#held.map((tag) => ffmpeg.write(flvTagBytes(tag)));
    this.#held = [];
    return results.at(-1) ?? true;
  }

  #registered([{ init }]: SegmentRecords): void {
    this.#registeredAny = true;
    if (init === null) return;
    this.#segments += 1;
    this.#segmentAtMs = performance.now();
    this.#options.onSegment();
  }

  async #tick(): Promise<void> {
    this.#rate.tick(TICK_MS);
    this.#look();
    this.#checkProgress();
    await this.renew();
    await this.#directory.scan(); // In case the file system does not tell of changes.
  }

  #look(): void {
    if (this.#plan === undefined) return;
    const patient = {
      ...this.#source.facts(performance.now()),
      plan: this.#plan,
      bitrateKbps: this.#rate.kbps,
      viewerDownlinkKbps: this.#options.settings.viewerDownlinkKbps,
      speed: this.#ffmpeg?.progress?.speed,
      segmentAgeMs: this.#segmentAgeMs,
      disk: this.#options.disk().level,
    };
    this.#doctor.look(Date.now(), examine(patient));
  }

  get #segmentAgeMs(): number {
    return performance.now() - this.#segmentAtMs;
  }

  #checkProgress(): void {
    if (this.#ffmpeg === undefined) return;
    const { stalledMs } = this.#ffmpeg;
    const { silenceTimeoutMs } = this.#options.settings;
    const { gopS } = this.#gop;
    const segmentAgeMs = this.#segmentAgeMs;
    const problem = progressProblem({ stalledMs, segmentAgeMs, gopS, silenceTimeoutMs });
    if (problem !== undefined) this.#fail(problem.code, problem.reason);
  }

  /** The broadcaster is let go and reconnects, which gives it a fresh ffmpeg. */
  #ffmpegGone({ code, signal, lastError }: FfmpegExit): void {
    if (this.#ended) return;
    const cause = lastError ?? `it ended with ${signal ?? `code ${code}`}`;
    this.#fail("ffmpeg-exited", `ffmpeg is gone: ${cause}`);
  }

  /** Ends the connection, which ends this. */
  #fail(code: string, reason: string): void {
    this.#options.control.close(code, reason);
  }
}

const UNREADABLE = "The encoder sends neither a picture nor sound that can be recognised.";
