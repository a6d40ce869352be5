import { z } from "zod";
import {
  BLOCK_BYTES_MAX,
  type BlockId,
  INIT_PART,
  type InitReference,
  isStreamId,
  RENDITIONS_MAX,
} from "../core/index.ts";

/** One segment as the ingest hands it over: complete on disk, not yet in the public order. */
export interface NewSegment {
  readonly stream: string;
  readonly session: string;
  readonly rendition: number;
  /** Position in its publish session, growing; "init" for the init segment. */
  readonly index: number | "init";
  /** Path of the segment's file relative to the media root, with "/". */
  readonly path: string;
  readonly byteLength: number;
  /** 0 for an init segment. */
  readonly durationMs: number;
  /** Wall-clock time of the first frame, milliseconds since the UNIX epoch. */
  readonly programDateTimeMs: number;
  /** When the file was complete, milliseconds since the UNIX epoch. */
  readonly completedAtMs: number;
  /** SHA-256 of the init segment, base64url. Needed with index "init", not read otherwise. */
  readonly initSha256?: string | undefined;
  /** What the rendition is, with index "init". */
  readonly format?: MediaFormat | undefined;
}

/** What a master playlist tells of a rendition (RFC 8216 section 4.3.4.2). */
export interface MediaFormat {
  /** As in RFC 6381, with commas between: "avc1.64001f,mp4a.40.2". */
  readonly codecs: string;
  /** As the picture is shown; left out, with the others, where there is no picture. */
  readonly widthPx?: number | undefined;
  readonly heightPx?: number | undefined;
  /** Pictures a second, of the first segment. */
  readonly fps?: number | undefined;
}

/** One block in the public order of its stream: a segment, or a part of one. It never changes. */
export interface SegmentRecord {
  readonly stream: string;
  readonly session: string;
  readonly block: BlockId;
  /** Of the segment's file. */
  readonly path: string;
  /** Where in the file the block begins. */
  readonly offset: number;
  readonly byteLength: number;
  /** Whether no further part of the segment follows. */
  readonly last: boolean;
  readonly durationMs: number;
  readonly programDateTimeMs: number;
  readonly completedAtMs: number;
  /** How many publish sessions with media came before this one: the discontinuity sequence number. */
  readonly discontinuity: number;
  /** The init segment that a media segment needs; null for an init segment. */
  readonly init: InitReference | null;
  /** Of an init segment: what its rendition is, where that is known. */
  readonly format?: MediaFormat | undefined;
}

const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;
const INDEX_MAX = 0xff_ff_ff_ff;
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
/** <stream>/<session>/<file>, none of them able to climb out of the media root. */
const PATH = /^[a-z0-9][a-z0-9-]{0,63}\/[A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

const segmentFields = {
  stream: z.string().refine(isStreamId, "expected a stream id"),
  session: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  path: z.string().regex(PATH),
  byteLength: z.int().min(1).max(SEGMENT_BYTES_MAX),
  durationMs: z.number().min(0).max(3_600_000),
  programDateTimeMs: z.number().min(0),
  completedAtMs: z.number().min(0),
  format: z
    .object({
      codecs: z.string().regex(/^[A-Za-z0-9.,-]{1,200}$/),
      widthPx: z.int().min(1).max(0xff_ff).optional(),
      heightPx: z.int().min(1).max(0xff_ff).optional(),
      fps: z.number().positive().max(1000).optional(),
    })
    .optional(),
};

export const blockIdSchema = z.object({
  rendition: z.int().min(0).max(0xff),
  sequence: z.int().min(0).max(0xff_ff_ff_ff),
  part: z.int().min(0).max(INIT_PART),
}) satisfies z.ZodType<BlockId>;

const newSegmentSchema = z
  .object({
    ...segmentFields,
    rendition: z.int().min(0).max(0xff),
    index: z.union([z.int().min(0).max(INDEX_MAX), z.literal("init")]),
    initSha256: z.string().regex(DIGEST).optional(),
  })
  .refine(({ index, initSha256 }) => index !== "init" || initSha256 !== undefined, {
    message: 'needed with index "init"',
    path: ["initSha256"],
  })
  .refine(({ index, byteLength }) => index !== "init" || byteLength <= BLOCK_BYTES_MAX, {
    message: "an init segment is one block",
    path: ["byteLength"],
  }) satisfies z.ZodType<NewSegment>;

/** One segment in all of its renditions. */
export const segmentRenditionsSchema = z
  .array(newSegmentSchema)
  .min(1)
  .max(RENDITIONS_MAX)
  .refine(
    (all) =>
      all.every(({ stream, session, index, rendition }, place) => {
        const [first] = all;
        const isSame = stream === first?.stream && session === first.session;
        return isSame && index === first.index && rendition === place;
      }),
    { message: "expected the renditions of one segment, in the order of their numbers from 0 on" },
  );

const initSchema = z.object({
  sequence: z.int().min(0).max(0xff_ff_ff_ff),
  sha256: z.string().regex(DIGEST),
}) satisfies z.ZodType<InitReference>;

export const segmentRecordSchema = z.object({
  ...segmentFields,
  block: blockIdSchema,
  offset: z.int().min(0).max(SEGMENT_BYTES_MAX),
  last: z.boolean(),
  discontinuity: z.int().min(0),
  init: initSchema.nullable(),
}) satisfies z.ZodType<SegmentRecord>;
