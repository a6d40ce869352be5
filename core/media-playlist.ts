import { assert, StarlingError } from "./errors.ts";

/** What a media playlist tells of a segment. */
export interface ListedSegment {
  readonly block: { readonly rendition: number; readonly sequence: number };
  /** The init segment that it needs. */
  readonly init: { readonly sequence: number } | null;
  /** Its EXT-X-DISCONTINUITY-SEQUENCE number. */
  readonly discontinuity: number;
  readonly programDateTimeMs: number;
  readonly durationMs: number;
  /** By what it is encrypted as a whole; left out: it is not. */
  readonly key?: ListedKey | undefined;
}

/** The EXT-X-KEY of METHOD AES-128 that holds for a segment. Its init segment is not encrypted. */
export interface ListedKey {
  /** Relative to `/live/<stream>/`: all renditions have one key. */
  readonly uri: string;
  /** 16 bytes in hex. */
  readonly iv: string;
}

/** Where a rendition's files are below `/live/<stream>/`: the first one's there, another's in a folder. */
export function renditionFolder(rendition: number): string {
  return rendition === 0 ? "" : `${rendition}/`;
}

/**
 * The public media playlist of a window of media segments, oldest first and without a hole (RFC 8216).
 * URIs are `<sequence>.m4s` and `init-<sequence>.mp4`, relative to the folder of the rendition that the
 * playlist is of; segments of another one, which stand in for it, are named with their own folder.
 * Throws StarlingError "playlist-empty" when there is no segment to list.
 */
export function renderMediaPlaylist(
  records: readonly ListedSegment[],
  options: {
    readonly targetDurationS: number;
    readonly ended: boolean;
    /** Of which the playlist is; by default the first. */
    readonly rendition?: number | undefined;
  },
): string {
  const [first] = records;
  if (first === undefined) {
    throw new StarlingError("playlist-empty", "The stream has no segment yet.");
  }
  const lines = [
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    `#EXT-X-TARGETDURATION:${targetDuration(records, options.targetDurationS)}`,
    `#EXT-X-MEDIA-SEQUENCE:${first.block.sequence}`,
    // The first segment carries no DISCONTINUITY tag, so its number is the playlist's
    // (section 4.3.3.3): the tags that went before have all been removed and counted.
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first.discontinuity}`,
    "#EXT-X-INDEPENDENT-SEGMENTS",
  ];
  let previous: ListedSegment | undefined;
  for (const record of records) {
    lines.push(...segmentLines(record, { previous, rendition: options.rendition ?? 0 }));
    previous = record;
  }
  if (options.ended) lines.push("#EXT-X-ENDLIST");
  return `${lines.join("\n")}\n`;
}

function segmentLines(
  record: ListedSegment,
  {
    previous,
    rendition,
  }: { readonly previous: ListedSegment | undefined; readonly rendition: number },
): string[] {
  const { block, init } = record;
  assert(init !== null, "a playlist lists media segments");
  assert(
    previous === undefined || block.sequence === previous.block.sequence + 1,
    "a playlist skips no media sequence number",
  );
  const lines: string[] = [];
  const isOwn = block.rendition === rendition;
  const folder = isOwn ? "" : `../${renditionFolder(block.rendition)}`;
  if (previous && previous.discontinuity !== record.discontinuity) {
    lines.push("#EXT-X-DISCONTINUITY");
  }
  if (previous?.init?.sequence !== init.sequence) {
    // A key holds for every EXT-X-MAP after it (RFC 8216 section 4.3.2.5).
    if (previous?.key !== undefined) lines.push("#EXT-X-KEY:METHOD=NONE");
    lines.push(`#EXT-X-MAP:URI="${folder}init-${init.sequence}.mp4"`);
    if (record.key !== undefined) {
      const { uri, iv } = record.key;
      const root = rendition === 0 ? "" : "../";
      lines.push(`#EXT-X-KEY:METHOD=AES-128,URI="${root}${uri}",IV=0x${iv}`);
    }
  }
  // biome-ignore lint/style/noRestrictedGlobals: this formats a time, and does not ask for one.
  const programDateTime = new Date(record.programDateTimeMs).toISOString();
  lines.push(
    `#EXT-X-PROGRAM-DATE-TIME:${programDateTime}`,
    `#EXTINF:${(record.durationMs / 1000).toFixed(3)},`,
    `${folder}${block.sequence}.m4s`,
  );
  return lines;
}

/** EXTINF rounded to whole seconds may not exceed it (RFC 8216 section 4.3.3.1). */
function targetDuration(records: readonly ListedSegment[], atLeastS: number): number {
  const longestS = Math.max(...records.map(({ durationMs }) => Math.round(durationMs / 1000)));
  return Math.max(Math.ceil(atLeastS), longestS, 1);
}
