import type { DiskStatus } from "./disk-watch.ts";
import type { Finding } from "./doctor/doctor.ts";
import type { Refusal } from "./doctor/refusals.ts";
import type { SourceFacts } from "./doctor/source-meter.ts";

/** One live publisher, as reported to the operator. */
export interface PublicationStatus {
  readonly stream: string;
  readonly session: string;
  /** A test card that gives way to a real broadcaster. */
  readonly filler: boolean;
  /** Milliseconds since the UNIX epoch. */
  readonly sinceMs: number;
  /** What the publisher sends, over the last seconds. */
  readonly bitrateKbps: number;
  readonly fps: number | null;
  readonly lastSegmentAgeMs: number | null;
  /** Segments of this session so far. */
  readonly segments: number;
  /** Seconds between key frames; 0 until known. */
  readonly gopS: number;
  readonly video: string | null;
  readonly audio: string | null;
  readonly source: SourceStatus;
  readonly ffmpeg: FfmpegStatus;
  /** What the doctor tells the broadcaster, the worst first. */
  readonly findings: readonly Finding[];
  /** The renditions that are encoded, in words; null: the tracks go out as they come. */
  readonly ladder: string | null;
  /** Why there is no ladder though the stream asks for one. */
  readonly ladderRefusal: string | null;
}

/** What the publisher's ffmpeg takes of the machine, with null for what is not known. */
export interface FfmpegStatus {
  /** How many there were: 1 while the first one works. */
  readonly runs: number;
  readonly cpuCores: number | null;
  readonly memoryBytes: number | null;
}

/** What the publisher's tags tell, with null for what is not known yet. */
export interface SourceStatus {
  readonly fps: number | null;
  readonly audioHz: number | null;
  readonly audioChannels: number | null;
  /** The longest time that a picture waits for another that is shown before it. */
  readonly reorderMs: number;
  /** How much later media come than at the best moment of the last two minutes. */
  readonly lagMs: number;
  /** Parts per million by which the publisher's clock is fast. */
  readonly driftPpm: number | null;
  /** Of the frames that should have come, those that did not. */
  readonly droppedShare: number;
}

/** The part of what the meters know that is worth a line in a report. */
export function sourceStatus(facts: SourceFacts): SourceStatus {
  const { fps, audioFormat, driftPpm } = facts;
  return {
    fps: fps === undefined ? null : Math.round(fps * 100) / 100,
    audioHz: audioFormat?.rateHz ?? null,
    audioChannels: audioFormat?.channels ?? null,
    reorderMs: facts.reorderMs,
    lagMs: Math.round(facts.lagMs),
    driftPpm: driftPpm ?? null,
    droppedShare: Math.round(facts.droppedShare * 1000) / 1000,
  };
}

/** What the ingest role reports every two seconds. */
export interface IngestStatus {
  readonly publishers: readonly PublicationStatus[];
  readonly segmentsPerS: number;
  /** Cores that ladders take by estimate, and may take. */
  readonly ladderCores: { readonly taken: number; readonly max: number };
  /** Publishers that were turned away since the start, by error code. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly disk: DiskStatus;
  /** Streams whose broadcaster was turned away in the last five minutes, and why. */
  readonly refusals: readonly Refusal[];
}

const SMOOTHING = 0.3;

/** A smoothed rate: `add` amounts, and `tick` at regular intervals. */
export class RateMeter {
  #amount = 0;
  #perS: number | undefined;

  add(amount: number): void {
    this.#amount += amount;
  }

  tick(intervalMs: number): void {
    const perS = (this.#amount * 1000) / intervalMs;
    this.#perS = this.#perS === undefined ? perS : this.#perS + SMOOTHING * (perS - this.#perS);
    this.#amount = 0;
  }

  get perS(): number {
    return Math.round((this.#perS ?? 0) * 100) / 100;
  }

  /** For amounts in bytes. */
  get kbps(): number {
    return Math.round(((this.#perS ?? 0) * 8) / 1000);
  }
}
