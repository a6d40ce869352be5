import type { Logger } from "pino";
import { type InstantMs, instantMs, TokenBucket } from "../core/index.ts";
import {
  type ChildLogs,
  type LineSurvey,
  type MediaFormat,
  type PublishSession,
  runName,
  type SegmentRecords,
  type ViewerLines,
} from "../pipeline/index.ts";
import { UsageMeter } from "./child-usage.ts";
import type { DiskStatus } from "./disk-watch.ts";
import { examine } from "./doctor/diagnosis.ts";
import { Doctor } from "./doctor/doctor.ts";
import { SourceMeter } from "./doctor/source-meter.ts";
import type { FfmpegExit } from "./ffmpeg-process.ts";
import { FLV_TAG, type FlvTag } from "./flv.ts";
import { GopMeter } from "./gop-meter.ts";
import { ladderText } from "./ladder.ts";
import { LineRing } from "./line-ring.ts";
import { PackageRun, type PackagingSettings } from "./package-run.ts";
import { type PublicationStatus, RateMeter, sourceStatus } from "./publication-status.ts";
import { RestartPace } from "./restart-pace.ts";
import type { PublisherControl, TagSink } from "./rtmp/connection.ts";
import type { Catalogue, FreshMedia } from "./session-directory.ts";
import { chooseLadder, NO_LADDER, type SessionLadder } from "./session-ladder.ts";
import type { SlateFormat } from "./slate.ts";
import { isEmptyHeader, isEntry, TrackHeaders } from "./track-headers.ts";
import { type TrackPlan, TrackPlanner } from "./track-plan.ts";

const TICK_MS = 1000;
/** What is held while it is not clear which tracks come. */
const HELD_BYTES_MAX = 16 << 20;
const HELD_TAGS_MAX = 10_000;
/** Runs of ffmpeg that end without a single segment before the publisher is let go and told. */
const FRUITLESS_RUNS_MAX = 3;

/** What may come at once: what an uplink that stood still catches up with, and the largest key frame. */
const BURST_S = 10;
const BURST_BYTES_MIN = 16 << 20;

/** One accepted publisher. */
export interface PublicationOptions {
  readonly session: PublishSession;
  /** What the stream is made into, if it says so itself. */
  readonly renditions: string | undefined;
  readonly control: PublisherControl;
  readonly catalogue: Catalogue;
  readonly settings: PackagingSettings;
  readonly log: Logger;
  /** Settles when older sessions of the stream have registered their segments. */
  readonly turn: Promise<void>;
  readonly onSegment: () => void;
  /** Given each registered segment. Never rejects. */
  readonly onMedia?: ((media: FreshMedia) => Promise<void>) | undefined;
  readonly onEnd: (code: string, reason: string) => void;
  /** How much room the media have now. */
  readonly disk: () => DiskStatus;
  readonly childLogs: Pick<ChildLogs, "write">;
  readonly viewerLines: Pick<ViewerLines, "survey">;
}

/**
 * One broadcaster's connection on its way to disk: holds the lease of the stream and feeds FLV to
 * ffmpeg, to a new one when one fails or the broadcaster changes its settings. Its end, whoever causes
 * it, is `end`.
 */
export class Publication implements TagSink {
  /** Settles when ffmpeg is gone and the last segment is registered. */
  readonly finished: Promise<void>;
  readonly #options: PublicationOptions;
  readonly #log: Logger;
  readonly #planner = new TrackPlanner();
  readonly #headers = new TrackHeaders();
  readonly #gop = new GopMeter();
  readonly #source = new SourceMeter(this.#gop);
  readonly #doctor: Doctor;
  readonly #rate = new RateMeter();
  readonly #usage = new UsageMeter();
  readonly #lines = new LineRing();
  readonly #budget: TokenBucket;
  readonly #pace = new RestartPace(Math.random);
  readonly #timer: NodeJS.Timeout;
  readonly #finish: () => void;
  #held: FlvTag[] = [];
  #heldBytes = 0;
  #plan: TrackPlan | undefined;
  #ladder: SessionLadder = NO_LADDER;
  #run: PackageRun | undefined;
  #runs = 0;
  /** From when on a new run may begin, by the clock that nobody sets. */
  #resumeAtMs = 0;
  /** Settles when what earlier runs have cut is registered. */
  #turn: Promise<void>;
  #mediaStartedAtMs: number | undefined;
  #format: MediaFormat | undefined;
  #segments = 0;
  /** When the last segment got complete, or media first came. */
  #segmentAtMs = 0;
  #linesWritten: readonly string[] = [];
  #viewers: LineSurvey = { viewers: 0, slower: 0 };
  #renewing = false;
  #ended = false;

  constructor(options: PublicationOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#turn = options.turn;
    const perSecond = (options.settings.bitrateMaxKbps * 1000) / 8;
    const burst = Math.max(BURST_BYTES_MIN, BURST_S * perSecond);
    this.#budget = new TokenBucket(steadyNow(), { burst, perSecond });
    this.#doctor = new Doctor(options.log);
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

  /** What a stand-in for this broadcaster should look like; undefined: there was no picture. */
  get slateFormat(): SlateFormat | undefined {
    const picture = this.#format;
    if (picture?.heightPx === undefined || this.#segments === 0) return undefined;
    return { picture, hasAudio: this.#plan?.audio !== "none" };
  }

  /** Whether it is over, though ffmpeg may still put out what it had. */
  get hasEnded(): boolean {
    return this.#ended;
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
      fps: this.#run?.ffmpeg.progress?.fps ?? null,
      lastSegmentAgeMs: this.#segments === 0 ? null : Math.round(this.#segmentAgeMs),
      segments: this.#segments,
      gopS: this.#gop.gopS,
      video: this.#plan?.videoCodec?.name ?? null,
      audio: this.#plan?.audioCodec?.name ?? null,
      source: sourceStatus(this.#source.facts(performance.now())),
      ffmpeg: {
        runs: this.#runs,
        cpuCores: this.#usage.usage?.cpuCores ?? null,
        memoryBytes: this.#usage.usage?.memoryBytes ?? null,
      },
      findings: this.#doctor.findings,
      ladder: this.#ladder.ladder === undefined ? null : ladderText(this.#ladder.ladder),
      ladderRefusal: this.#ladder.refusal ?? null,
    };
  }

  write(tag: FlvTag): boolean {
    if (this.#ended || isEmptyHeader(tag)) return true;
    if (tag.type !== FLV_TAG.script && this.#mediaStartedAtMs === undefined) {
      this.#mediaStartedAtMs = Date.now();
      this.#segmentAtMs = performance.now();
    }
    if (!this.#budget.take(steadyNow(), tag.payload.length)) {
      this.#fail("publisher-bitrate", this.#bitrateRefusal);
      return true;
    }
    this.#rate.add(tag.payload.length);
    this.#gop.push(tag);
    const leapt = this.#source.push(performance.now(), tag);
    const changed = this.#headers.push(tag);
    if (this.#plan === undefined) return this.#hold(tag);
    if (changed) this.#endRun("The broadcaster changed the picture or the sound.", false);
    else if (leapt) this.#endRun("The broadcaster's timestamps leapt.", false);
    return this.#run === undefined ? this.#resume(this.#plan, tag) : this.#run.write(tag);
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
    this.#options.onEnd(code, reason);
    void this.#windDown(code, reason);
  }

  async #windDown(code: string, reason: string): Promise<void> {
    // The lease goes at once: a broadcaster who reconnects must not be told "busy".
    const lease = this.#tried(this.#options.session.close());
    if (this.#run !== undefined) await this.#tried(this.#run.stop());
    await this.#turn;
    await this.#tried(this.#keepLines());
    this.#options.settings.ladders.budget.release(this);
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

  #hold(tag: FlvTag): boolean {
    this.#held.push(tag);
    this.#heldBytes += tag.payload.length;
    const plan = this.#planner.push(tag);
    if (plan !== undefined) return this.#start(plan);
    if (this.#heldBytes > HELD_BYTES_MAX || this.#held.length > HELD_TAGS_MAX) {
      this.#fail("publisher-unreadable", UNREADABLE);
    }
    return true;
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
    this.#log.info(
      {
        video: `${plan.videoCodec?.name ?? "none"}: ${plan.video}`,
        audio: `${plan.audioCodec?.name ?? "none"}: ${plan.audio}`,
      },
      "the publisher's tracks are known",
    );
    this.#chooseLadder(plan);
    const held = this.#held;
    this.#held = [];
    this.#resumeAtMs = performance.now();
    if (!held.some((one) => isEntry(one, plan))) return true;
    return this.#begin(plan, held, this.#mediaStartedAtMs ?? Date.now());
  }

  /** Between two runs: begins the next one when its time has come, and with a tag at which it can begin. */
  #resume(plan: TrackPlan, tag: FlvTag): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#resumeAtMs > this.#options.settings.keyFrameTimeoutMs) {
      this.#fail("publisher-keyframes", NO_KEY_FRAME);
      return true;
    }
    if (nowMs < this.#resumeAtMs || !isEntry(tag, plan)) return true;
    return this.#begin(plan, [...this.#headers.tagsAt(tag.timestampMs), tag], Date.now());
  }

  #begin(plan: TrackPlan, tags: readonly FlvTag[], mediaStartedAtMs: number): boolean {
    const { session, catalogue, settings, control, onMedia } = this.#options;
    try {
      const run = new PackageRun({
        ...{
          plan,
          catalogue,
          settings,
          mediaStartedAtMs,
          log: this.#log,
          turn: this.#turn,
          onMedia,
        },
        ladder: this.#ladder.ladder,
        stream: session.stream,
        session: runName(session.id, this.#runs),
        onLine: (line) => this.#lines.push(new Date().toISOString(), line),
        onDrain: () => control.resume(),
        onRegistered: (parts) => this.#registered(parts),
        onGone: (exit) => this.#ffmpegGone(run, exit),
      });
      this.#runs += 1;
      this.#run = run;
      return tags.map((tag) => run.write(tag)).at(-1) ?? true;
    } catch (error) {
      this.#log.error({ err: error }, "no ffmpeg could be started; trying again");
      this.#resumeAtMs = performance.now() + this.#pace.pauseMs(0, true);
      return true;
    }
  }

  #chooseLadder(plan: TrackPlan): void {
    const { renditions, settings } = this.#options;
    this.#ladder = chooseLadder(plan, renditions, { settings: settings.ladders, holder: this });
    const { ladder, refusal } = this.#ladder;
    if (refusal !== undefined) {
      this.#log.error(`the stream goes out without its ladder, as it comes in. ${refusal}`);
    }
    if (ladder !== undefined) this.#log.info(`encoding ${ladderText(ladder)}`);
  }

  #registered([{ init, format }]: SegmentRecords): void {
    if (init === null) this.#format = format;
    if (init === null) return;
    this.#segments += 1;
    this.#segmentAtMs = performance.now();
    this.#options.onSegment();
  }

  async #tick(): Promise<void> {
    this.#rate.tick(TICK_MS);
    this.#look();
    const problem = this.#run?.problem(this.#gop.gopS);
    if (problem !== undefined) this.#endRun(problem.reason, true);
    await this.#usage.look(this.#run?.ffmpeg.pid, performance.now());
    await this.renew();
    await this.#run?.scan();
    await Promise.all([this.#keepLines(), this.#askViewers()]).catch((error: unknown) => {
      this.#log.debug(
        { err: error },
        "ffmpeg's last lines were not kept, or viewers' lines not known",
      );
    });
  }

  async #askViewers(): Promise<void> {
    this.#viewers = await this.#options.viewerLines.survey(this.stream, this.#rate.kbps);
  }

  async #keepLines(): Promise<void> {
    const { lines } = this.#lines;
    if (lines === this.#linesWritten || lines.length === 0) return;
    await this.#options.childLogs.write(this.stream, lines);
    this.#linesWritten = lines;
  }

  #look(): void {
    if (this.#plan === undefined) return;
    const patient = {
      ...this.#source.facts(performance.now()),
      plan: this.#plan,
      ladder: { isOn: this.#ladder.ladder !== undefined, refusal: this.#ladder.refusal },
      bitrateKbps: this.#rate.kbps,
      viewerDownlinkKbps: this.#options.settings.viewerDownlinkKbps,
      viewerLines: this.#viewers,
      speed: this.#run?.ffmpeg.progress?.speed,
      segmentAgeMs: this.#segmentAgeMs,
      failuresInARow: this.#run === undefined ? this.#pace.inARow : 0,
      disk: this.#options.disk().level,
    };
    this.#doctor.look(Date.now(), examine(patient));
  }

  get #segmentAgeMs(): number {
    return performance.now() - this.#segmentAtMs;
  }

  #ffmpegGone(run: PackageRun, { code, signal, lastError }: FfmpegExit): void {
    if (this.#ended || run !== this.#run) return;
    const cause = lastError ?? `it ended with ${signal ?? `code ${code}`}`;
    this.#endRun(`ffmpeg is gone: ${cause}`, true);
  }

  /** Ends the run. The next one begins after a pause, while the publisher is there. */
  #endRun(reason: string, failed: boolean): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#turn = this.#tried(run.stop());
    const pauseMs = this.#pace.pauseMs(run.ageMs, failed);
    this.#resumeAtMs = performance.now() + pauseMs;
    if (this.#segments === 0 && this.#pace.inARow >= FRUITLESS_RUNS_MAX) {
      this.#fail("ffmpeg-failed", reason);
      return;
    }
    const detail = { pauseMs: Math.round(pauseMs), inARow: this.#pace.inARow };
    this.#log[failed ? "error" : "info"](detail, `${reason} A new ffmpeg follows.`);
    this.#options.control.resume(); // Nobody else will, if it was ffmpeg that held the publisher back.
  }

  get #bitrateRefusal(): string {
    const mbps = this.#options.settings.bitrateMaxKbps / 1000;
    return `The encoder sends more than ${mbps} Mb/s: lower its bitrate, or allow more (--broadcaster-mbps).`;
  }

  /** Ends the connection, which ends this. */
  #fail(code: string, reason: string): void {
    this.#options.control.close(code, reason);
  }
}

const UNREADABLE = "The encoder sends neither a picture nor sound that can be recognised.";
const NO_KEY_FRAME = "The encoder sends no key frames: set its keyframe interval to 1 s.";

function steadyNow(): InstantMs {
  return instantMs(performance.now());
}
