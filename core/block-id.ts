import { StarlingError } from "./errors.ts";

/** The part number of an init segment (RFC 8216 EXT-X-MAP); media parts count from 0. */
export const INIT_PART = 0xff_ff;
export const RENDITION_MAX = 0xff;
/** Renditions of a stream: as many as one peer can tell of (PROTOCOL.md, "status"). */
export const RENDITIONS_MAX = 8;
export const SEQUENCE_MAX = 0xff_ff_ff_ff;

/**
 * Names one block of a stream. `sequence` is the public EXT-X-MEDIA-SEQUENCE number; an init
 * segment takes the number of the first media segment that needs it.
 */
export interface BlockId {
  /** 0..255. */
  readonly rendition: number;
  /** 0..2^32-1. */
  readonly sequence: number;
  /** Counts the parts of a segment from 0; a whole segment is part 0. INIT_PART: an init segment. */
  readonly part: number;
}

/** The text form of a block id: `rendition:sequence:part`, with `init` for INIT_PART. */
export function blockKey(id: BlockId): string {
  return `${id.rendition}:${id.sequence}:${id.part === INIT_PART ? "init" : id.part}`;
}

const BLOCK_KEY = /^(\d{1,3}):(\d{1,10}):(init|\d{1,5})$/;

/** The block id of a text form. Throws StarlingError "bad-block-key". */
export function parseBlockKey(text: string): BlockId {
  const [, rendition, sequence, part] = BLOCK_KEY.exec(text) ?? [];
  const id = {
    rendition: Number(rendition),
    sequence: Number(sequence),
    part: part === "init" ? INIT_PART : Number(part),
  };
  if (!isBlockId(id) || blockKey(id) !== text) {
    throw new StarlingError("bad-block-key", "Expected rendition:sequence:part, such as 0:123:0.");
  }
  return id;
}

/** Whether every number of `id` is a whole number in its range. */
export function isBlockId(id: BlockId): boolean {
  return (
    isWithin(id.rendition, RENDITION_MAX) &&
    isWithin(id.sequence, SEQUENCE_MAX) &&
    isWithin(id.part, INIT_PART)
  );
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

const STREAM_ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Whether `value` can name a stream: 1-64 lower-case letters, digits and hyphens. */
export function isStreamId(value: unknown): value is string {
  return typeof value === "string" && STREAM_ID.test(value);
}
