import type { Redis } from "ioredis";
import { z } from "zod";
import {
  assert,
  type BlockId,
  blockKey,
  INIT_PART,
  RENDITIONS_MAX,
  StarlingError,
  splitSegment,
} from "../core/index.ts";
import { manifestIndexKey, manifestLogKey, timelineKeys } from "./redis-keys.ts";
import {
  type NewSegment,
  type SegmentRecord,
  segmentRecordSchema,
  segmentRenditionsSchema,
} from "./segment-record.ts";
import { registerScript, trimScript, windowScript } from "./timeline-scripts.ts";

/** Records of one rendition, init segments included: a retention of five hours of 1 s segments. */
export const TIMELINE_RECORDS_MAX = 20_000;
const SESSIONS_REMEMBERED_MAX = 1000;
const TRIM_BATCH_MAX = 500;

const REFUSALS: Readonly<Record<string, string>> = {
  "timeline-full": `The stream keeps ${TIMELINE_RECORDS_MAX} segments of each rendition: trim it before adding more.`,
  "session-over": "A newer publish session has begun: open a new one.",
  "init-missing":
    'Register the init segments (index "init") of the publish session first, of each rendition.',
  "segment-out-of-order": "A later segment of the publish session has a number already.",
  "sequence-exhausted": "The stream has used all 2^32 media sequence numbers: make a new stream.",
};

/** The records of a segment's parts, by rendition and in their order. */
export type SegmentRecords = readonly [SegmentRecord, ...SegmentRecord[]];

/** How many of the newest segments last `durationMs` together, or are all. */
export function newestLasting(
  records: readonly Pick<SegmentRecord, "durationMs">[],
  durationMs: number,
): number {
  let leftMs = durationMs;
  const first = records.findLastIndex((record) => {
    leftMs -= record.durationMs;
    return leftMs <= 0;
  });
  return first < 0 ? records.length : records.length - first;
}

/**
 * The public order of every stream. Once a segment has a number, the number is its own for ever:
 * numbers never go back and are never given twice, whatever restarts or is trimmed.
 */
export class Timeline {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Gives a complete segment its place, in all of its renditions at once, 0 first: they share a number.
   * Gives the records of its parts, by rendition and in their order; the same segment (stream, session,
   * index) always gets the same records. The init segment of a session comes first and shares the number of the
   * session's first media segment. Throws StarlingError "segment-invalid", "init-missing",
   * "session-over", "segment-out-of-order", "timeline-full" or "sequence-exhausted".
   */
  async register(...renditions: readonly [NewSegment, ...NewSegment[]]): Promise<SegmentRecords> {
    const [{ stream, session, index }] = renditions;
    const checked = segmentRenditionsSchema.safeParse(renditions);
    if (!checked.success) {
      throw new StarlingError("segment-invalid", z.prettifyError(checked.error));
    }
    const keys = timelineKeys(stream);
    const answer = await registerScript.run(
      this.#redis,
      [keys.state, keys.records, keys.blocks, keys.sessions, keys.inits],
      session,
      index,
      renditions.map(({ initSha256 = "" }) => `${initSha256} `).join(""),
      TIMELINE_RECORDS_MAX * renditions.length,
      SESSIONS_REMEMBERED_MAX,
      ...checked.data.flatMap(({ rendition, index: _index, initSha256: _sha256, ...fields }) =>
        partsOf(fields).flatMap((part) => [rendition, JSON.stringify(part)]),
      ),
    );
    const [code, first, ...others] = z.tuple([z.string()]).rest(z.string()).parse(answer);
    if (first !== undefined) return [recordOf(first), ...recordsOf(others)];
    throw new StarlingError(code, REFUSALS[code] ?? "The segment was refused.");
  }

  /** How many renditions the newest publish session has; 0 before the first. */
  async renditions(stream: string): Promise<number> {
    return Number((await this.#redis.hget(timelineKeys(stream).state, "renditions")) ?? 0);
  }

  /**
   * The newest `count` media segments, each whole, oldest first; fewer where the order has a hole,
   * because a playlist cannot skip a number. A segment without this rendition is there in the last of
   * those before it.
   */
  async window(stream: string, rendition: number, count: number): Promise<SegmentRecord[]> {
    const keys = timelineKeys(stream);
    const limit = Math.min(count, TIMELINE_RECORDS_MAX);
    const answer = await windowScript.run(
      this.#redis,
      [keys.state, keys.records],
      rendition,
      limit,
    );
    return z
      .array(z.unknown())
      .parse(answer)
      .map((parts) => wholeOf(recordsOf(parts)));
  }

  /** A block's record. That of part 0 is not of the whole segment when other parts follow. */
  async get(stream: string, block: BlockId): Promise<SegmentRecord | undefined> {
    const record = await this.#redis.hget(timelineKeys(stream).records, blockKey(block));
    return record === null ? undefined : recordOf(record);
  }

  /** The records without a manifest, oldest first: work that a crash may have left undone. */
  async unsigned(stream: string): Promise<SegmentRecord[]> {
    const signed = new Set(await this.#redis.hkeys(manifestIndexKey(stream)));
    const { records } = timelineKeys(stream);
    const missing = (await this.#redis.hkeys(records)).filter((key) => !signed.has(key));
    if (missing.length === 0) return [];
    const found = await this.#redis.hmget(records, ...missing);
    const open = recordsOf(found.filter((record) => record !== null));
    return open.sort((a, b) => a.block.sequence - b.block.sequence || placeOf(a) - placeOf(b));
  }

  /**
   * Removes all but the newest `keepCount` media segments in every rendition, with their manifests
   * and with init segments that nothing needs any more; `keepCount` 0, for a stream that is over,
   * removes everything. Returns what was removed, for the deletion of its files.
   */
  async trim(stream: string, keepCount: number): Promise<SegmentRecord[]> {
    assert(Number.isInteger(keepCount) && keepCount >= 0, "a retention is a whole number");
    const removed: SegmentRecord[] = [];
    let more = true;
    while (more) {
      const [left, records] = await this.#trimBatch(stream, keepCount);
      removed.push(...recordsOf(records));
      more = left === 1;
    }
    return removed;
  }

  async #trimBatch(stream: string, keepCount: number): Promise<[number, string[]]> {
    const keys = timelineKeys(stream);
    const answer = await trimScript.run(
      this.#redis,
      [
        keys.state,
        keys.records,
        keys.blocks,
        keys.inits,
        manifestIndexKey(stream),
        manifestLogKey(stream),
      ],
      RENDITIONS_MAX,
      keepCount,
      TRIM_BATCH_MAX,
    );
    return z.tuple([z.number(), z.array(z.string())]).parse(answer);
  }
}

/** An init segment goes before the parts of the media segment that needs it. */
function placeOf({ block: { part } }: SegmentRecord): number {
  return part === INIT_PART ? -1 : part;
}

type SegmentFields = Omit<NewSegment, "rendition" | "index" | "initSha256">;

/** What is stored of each part of a segment. Time is shared out by bytes. */
function partsOf(
  segment: SegmentFields,
): (SegmentFields & Pick<SegmentRecord, "offset" | "last">)[] {
  const { durationMs, programDateTimeMs } = segment;
  let end = 0;
  return splitSegment(segment.byteLength).map((byteLength) => {
    const offset = end;
    end += byteLength;
    return {
      ...segment,
      offset,
      byteLength,
      last: end === segment.byteLength,
      durationMs: durationMs * (byteLength / segment.byteLength),
      programDateTimeMs: programDateTimeMs + durationMs * (offset / segment.byteLength),
    };
  });
}

/** The record that a segment would have as one block. */
function wholeOf(parts: readonly SegmentRecord[]): SegmentRecord {
  const [first] = parts;
  assert(first !== undefined, "a segment has at least one part");
  const sum = (count: (part: SegmentRecord) => number) =>
    parts.reduce((total, part) => total + count(part), 0);
  return {
    ...first,
    byteLength: sum(({ byteLength }) => byteLength),
    durationMs: sum(({ durationMs }) => durationMs),
    last: true,
  };
}

const storedSchema = z.tuple([
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.unknown(),
  z.string(),
  z.record(z.string(), z.unknown()),
]);

function recordOf(stored: string): SegmentRecord {
  const [rendition, sequence, part, discontinuity, init, , fields] = storedSchema.parse(
    JSON.parse(stored),
  );
  const block = { rendition, sequence, part };
  return segmentRecordSchema.parse({ ...fields, block, discontinuity, init });
}

function recordsOf(answer: unknown): SegmentRecord[] {
  return z.array(z.string()).parse(answer).map(recordOf);
}
