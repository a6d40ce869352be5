import type { Redis } from "ioredis";
import { z } from "zod";
import {
  assert,
  type BlockId,
  blockKey,
  INIT_PART,
  StarlingError,
  splitSegment,
} from "../core/index.ts";
import { manifestIndexKey, manifestLogKey, timelineKeys } from "./redis-keys.ts";
import {
  type NewSegment,
  newSegmentSchema,
  type SegmentRecord,
  segmentRecordSchema,
} from "./segment-record.ts";
import { registerScript, trimScript, windowScript } from "./timeline-scripts.ts";

/** Records of one rendition, init segments included: a retention of five hours of 1 s segments. */
export const TIMELINE_RECORDS_MAX = 20_000;
const SESSIONS_REMEMBERED_MAX = 1000;
const TRIM_BATCH_MAX = 500;
const RENDITIONS: readonly number[] = [0];

const REFUSALS: Readonly<Record<string, string>> = {
  "timeline-full": `The stream keeps ${TIMELINE_RECORDS_MAX} segments: trim it before adding more.`,
  "session-over": "A newer publish session has begun: open a new one.",
  "init-missing": 'Register the init segment (index "init") of the publish session first.',
  "segment-out-of-order": "A later segment of the publish session has a number already.",
  "sequence-exhausted": "The stream has used all 2^32 media sequence numbers: make a new stream.",
};

/** The records of a segment's parts, in their order. */
export type SegmentRecords = readonly [SegmentRecord, ...SegmentRecord[]];

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
   * Gives a complete segment its place, as the records of its parts in their order; the same segment
   * (stream, session, rendition, index) always gets the same records. The init segment of a session comes first and shares the number of the
   * session's first media segment. Throws StarlingError "segment-invalid", "init-missing",
   * "session-over", "segment-out-of-order", "timeline-full" or "sequence-exhausted".
   */
  async register(segment: NewSegment): Promise<SegmentRecords> {
    const checked = newSegmentSchema.safeParse(segment);
    if (!checked.success) {
      throw new StarlingError("segment-invalid", z.prettifyError(checked.error));
    }
    const { rendition, index, initSha256, ...fields } = checked.data;
    const keys = timelineKeys(segment);
    const answer = await registerScript.run(
      this.#redis,
      [keys.state, keys.records, keys.blocks, keys.sessions, keys.inits],
      rendition,
      segment.session,
      index,
      initSha256 ?? "",
      TIMELINE_RECORDS_MAX,
      SESSIONS_REMEMBERED_MAX,
      ...partsOf(fields).map((part) => JSON.stringify(part)),
    );
    const [code, first, ...others] = z.tuple([z.string()]).rest(z.string()).parse(answer);
    if (first !== undefined) return [recordOf(first, rendition), ...recordsOf(others, rendition)];
    throw new StarlingError(code, REFUSALS[code] ?? "The segment was refused.");
  }

  /**
   * The newest `count` media segments, each whole, oldest first; fewer where the order has a hole,
   * because a playlist cannot skip a number.
   */
  async window(stream: string, rendition: number, count: number): Promise<SegmentRecord[]> {
    const keys = timelineKeys({ stream, rendition });
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
      .map((parts) => wholeOf(recordsOf(parts, rendition)));
  }

  /** A block's record. That of part 0 is not of the whole segment when other parts follow. */
  async get(stream: string, block: BlockId): Promise<SegmentRecord | undefined> {
    const keys = timelineKeys({ stream, rendition: block.rendition });
    const record = await this.#redis.hget(keys.records, blockKey(block));
    return record === null ? undefined : recordOf(record, block.rendition);
  }

  /** The records without a manifest, oldest first: work that a crash may have left undone. */
  async unsigned(stream: string): Promise<SegmentRecord[]> {
    const signed = new Set(await this.#redis.hkeys(manifestIndexKey(stream)));
    const open: SegmentRecord[] = [];
    for (const rendition of RENDITIONS) {
      const { records } = timelineKeys({ stream, rendition });
      const missing = (await this.#redis.hkeys(records)).filter((key) => !signed.has(key));
      if (missing.length === 0) continue;
      for (const record of await this.#redis.hmget(records, ...missing)) {
        if (record !== null) open.push(recordOf(record, rendition));
      }
    }
    return open.sort((a, b) => a.block.sequence - b.block.sequence || placeOf(a) - placeOf(b));
  }

  /**
   * Removes all but the newest `keepCount` media segments of each rendition, with their manifests
   * and with init segments that nothing needs any more; `keepCount` 0, for a stream that is over,
   * removes everything. Returns what was removed, for the deletion of its files.
   */
  async trim(stream: string, keepCount: number): Promise<SegmentRecord[]> {
    assert(Number.isInteger(keepCount) && keepCount >= 0, "a retention is a whole number");
    const removed: SegmentRecord[] = [];
    for (const rendition of RENDITIONS) {
      let more = true;
      while (more) {
        const [left, records] = await this.#trimBatch({ stream, rendition }, keepCount);
        removed.push(...records.map((record) => recordOf(record, rendition)));
        more = left === 1;
      }
    }
    return removed;
  }

  async #trimBatch(
    name: { readonly stream: string; readonly rendition: number },
    keepCount: number,
  ): Promise<[number, string[]]> {
    const keys = timelineKeys(name);
    const answer = await trimScript.run(
      this.#redis,
      [
        keys.state,
        keys.records,
        keys.blocks,
        keys.inits,
        manifestIndexKey(name.stream),
        manifestLogKey(name.stream),
      ],
      name.rendition,
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
  z.unknown(),
  z.string(),
  z.record(z.string(), z.unknown()),
]);

function recordOf(stored: string, rendition: number): SegmentRecord {
  const [sequence, part, discontinuity, init, , fields] = storedSchema.parse(JSON.parse(stored));
  const block = { rendition, sequence, part };
  return segmentRecordSchema.parse({ ...fields, block, discontinuity, init });
}

function recordsOf(answer: unknown, rendition: number): SegmentRecord[] {
  return z
    .array(z.string())
    .parse(answer)
    .map((record) => recordOf(record, rendition));
}
