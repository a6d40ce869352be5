import type { Redis } from "ioredis";
import { z } from "zod";
import {
  isRunOf,
  type Publisher,
  PublishSessions,
  type RoleReport,
  RoleStatus,
  Timeline,
} from "../pipeline/index.ts";

const RATE_WINDOW_MS = 10_000;
/** A live stream that has shown no new segment for this long is stalled. */
const STALLED_AFTER_MS = 10_000;

/** The part of the API's heartbeat that is shown here. */
const apiStatsSchema = z.object({
  streams: z.record(z.string(), z.object({ viewers: z.number(), offload: z.number().nullable() })),
});

/** The part of the ingest's heartbeat that is shown here. */
const ingestStatsSchema = z.object({
  publishers: z.array(
    z.object({
      stream: z.string(),
      filler: z.boolean(),
      findings: z.array(
        z.object({
          code: z.string(),
          severity: z.enum(["info", "warning", "error"]),
          message: z.string(),
          cure: z.string(),
        }),
      ),
    }),
  ),
});

/** What the doctor tells a broadcaster. */
export type Finding = z.output<typeof ingestStatsSchema>["publishers"][number]["findings"][number];

export type StreamState =
  | "live"
  | "test card"
  | "stalled"
  | "starting"
  | "waiting for a broadcaster";

/** What the studio's status line says about its stream. */
export interface OriginStatus {
  readonly state: StreamState;
  readonly publisher: Publisher | undefined;
  readonly segmentsPerS: number;
  readonly peers: number;
  /** 0 to 1; undefined while no viewer has reported. */
  readonly offload: number | undefined;
  /** What is wrong with the broadcast, the worst first; nothing of a test card. */
  readonly findings: readonly Finding[];
}

/** Follows one stream through Redis; call `read` about once a second. */
export class OriginStatusReader {
  readonly #redis: Redis;
  readonly #stream: string;
  readonly #sessions: PublishSessions;
  readonly #timeline: Timeline;
  /** When which newest sequence number was seen, over the last RATE_WINDOW_MS. */
  #seen: { atMs: number; sequence: number }[] = [];

  constructor(redis: Redis, stream: string) {
    this.#redis = redis;
    this.#stream = stream;
    this.#sessions = new PublishSessions(redis);
    this.#timeline = new Timeline(redis);
  }

  async read(nowMs: number): Promise<OriginStatus> {
    const [publisher, [newest], reports] = await Promise.all([
      this.#sessions.current(this.#stream),
      this.#timeline.window(this.#stream, 0, 1),
      RoleStatus.all(this.#redis),
    ]);
    if (newest !== undefined) this.#note(nowMs, newest.block.sequence);
    const segmentAgeMs = newest === undefined ? undefined : nowMs - newest.completedAtMs;
    const isOwnSegment =
      newest !== undefined && publisher !== undefined && isRunOf(publisher.session, newest.session);
    return {
      state: streamState(publisher, isOwnSegment ? segmentAgeMs : undefined, nowMs),
      publisher,
      segmentsPerS: this.#segmentsPerS(),
      ...viewersOf(reports, this.#stream),
      findings: findingsOf(reports, this.#stream),
    };
  }

  #note(nowMs: number, sequence: number): void {
    this.#seen.push({ atMs: nowMs, sequence });
    this.#seen = this.#seen.filter(({ atMs }) => nowMs - atMs <= RATE_WINDOW_MS);
  }

  #segmentsPerS(): number {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
    return ((last.sequence - first.sequence) * 1000) / (last.atMs - first.atMs);
  }
}

/** `segmentAgeMs` is the age of the newest segment of the present publisher, if it has one. */
function streamState(
  publisher: Publisher | undefined,
  segmentAgeMs: number | undefined,
  nowMs: number,
): StreamState {
  if (publisher === undefined) return "waiting for a broadcaster";
  const silentMs = segmentAgeMs ?? nowMs - publisher.startedAtMs;
  if (silentMs > STALLED_AFTER_MS) return "stalled";
  if (segmentAgeMs === undefined) return "starting";
  return publisher.filler ? "test card" : "live";
}

/** What the newest heartbeat of an API says about the viewers; every API counts for the whole origin. */
function viewersOf(
  reports: readonly RoleReport[],
  stream: string,
): Pick<OriginStatus, "peers" | "offload"> {
  const [newest] = reports.filter(({ role }) => role === "api").sort((a, b) => b.at - a.at);
  const known = apiStatsSchema.safeParse(newest?.stats).data?.streams[stream];
  return { peers: known?.viewers ?? 0, offload: known?.offload ?? undefined };
}

function findingsOf(reports: readonly RoleReport[], stream: string): readonly Finding[] {
  return reports
    .flatMap(({ stats }) => ingestStatsSchema.safeParse(stats).data?.publishers ?? [])
    .filter((publisher) => publisher.stream === stream && !publisher.filler)
    .flatMap(({ findings }) => findings);
}
