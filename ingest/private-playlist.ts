/** Segments that are read from one playlist; ours names sixty. */
export const PLAYLIST_SEGMENTS_MAX = 10_000;

/** One segment that ffmpeg says is complete. */
export interface ListedSegment {
  /** Base name of its file, such as "000000012.m4s". */
  readonly name: string;
  /** The number in its name. */
  readonly index: number;
  readonly durationMs: number;
  /** Wall-clock time of its first frame, milliseconds since the UNIX epoch. */
  readonly programDateTimeMs: number;
}

/** What ffmpeg's own playlist of a publish session says (RFC 8216 section 4.3). */
export interface PrivatePlaylist {
  /** Base name of the init segment; undefined until the playlist names one. */
  readonly init: string | undefined;
  /** In the order of the playlist. */
  readonly segments: readonly ListedSegment[];
}

const SEGMENT_NAME = /^(\d{9,15})(?:-\d)?\.m4s$/;
const MAP = /^#EXT-X-MAP:URI="([\w.-]+)"/;

/**
 * Reads ffmpeg's private playlist. It was written by our own child with temp + rename, so it is
 * whole; a segment without duration, time or a name of our pattern is left out.
 */
export function parsePrivatePlaylist(text: string): PrivatePlaylist {
  const segments: ListedSegment[] = [];
  let init: string | undefined;
  let durationMs = Number.NaN;
  let programDateTimeMs = Number.NaN;
  for (const line of text.split(/\r?\n/)) {
    const [tag = "", value = ""] = splitTag(line);
    // ffmpeg writes microseconds; whole ones, whatever the multiplication does to the last digit.
    if (tag === "#EXTINF") durationMs = Math.round(Number.parseFloat(value) * 1e6) / 1000;
    if (tag === "#EXT-X-PROGRAM-DATE-TIME") programDateTimeMs = parseDateTime(value);
    if (tag === "#EXT-X-MAP") init = MAP.exec(line)?.[1] ?? init;
    const index = SEGMENT_NAME.exec(line)?.[1];
    if (index === undefined || segments.length >= PLAYLIST_SEGMENTS_MAX) continue;
    if (Number.isFinite(durationMs) && Number.isFinite(programDateTimeMs)) {
      segments.push({ name: line, index: Number(index), durationMs, programDateTimeMs });
    }
    durationMs = Number.NaN;
    programDateTimeMs = Number.NaN;
  }
  return { init, segments };
}

/** A segment that ffmpeg says is complete in every rendition. */
export interface CompleteSegment {
  /** Its number in the names of its files. */
  readonly index: number;
  /** Its files, and those of the init segments that they need, by rendition. */
  readonly renditions: readonly {
    readonly init: string;
    readonly segment: ListedSegment;
  }[];
}

/** The segments that the playlists of all renditions name, in the order of the first one's. */
export function completeSegments(playlists: readonly PrivatePlaylist[]): CompleteSegment[] {
  const [first] = playlists;
  const listed = playlists.map(
    ({ segments }) => new Map(segments.map((segment) => [segment.index, segment])),
  );
  return (first?.segments ?? []).flatMap(({ index }) => {
    const renditions = playlists.flatMap(({ init }, rendition) => {
      const segment = listed[rendition]?.get(index);
      return init === undefined || segment === undefined ? [] : [{ init, segment }];
    });
    return renditions.length === playlists.length ? [{ index, renditions }] : [];
  });
}

function splitTag(line: string): string[] {
  const colon = line.indexOf(":");
  return line.startsWith("#EXT") && colon > 0
    ? [line.slice(0, colon), line.slice(colon + 1)]
    : [line];
}

/** ISO 8601 as ffmpeg writes it, with a zone such as +0200 that Date.parse need not take. */
function parseDateTime(text: string): number {
  return Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
}
