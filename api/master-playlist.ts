import { assert, renditionFolder } from "../core/index.ts";
import type { MediaFormat, SegmentRecord } from "../pipeline/index.ts";

/** One rendition that is on air. */
export interface LiveRendition {
  readonly rendition: number;
  /** What its init segment says it is, where that is known. */
  readonly format: MediaFormat | undefined;
  /** Its segments in the live window; at least one. */
  readonly records: readonly SegmentRecord[];
}

/** A multivariant playlist (RFC 8216 section 4.3.4), the best rendition first. */
export function renderMasterPlaylist(renditions: readonly LiveRendition[]): string {
  return [
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    ...renditions.flatMap((one) => [
      `#EXT-X-STREAM-INF:${attributesOf(one).join(",")}`,
      `${renditionFolder(one.rendition)}media.m3u8`,
    ]),
    "",
  ].join("\n");
}

function attributesOf({ format, records }: LiveRendition): string[] {
  const { codecs, widthPx, heightPx, fps } = format ?? {};
  const { peak, mean } = bitRates(records);
  return [
    `BANDWIDTH=${Math.ceil(peak)}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(mean)}`,
    ...(codecs === undefined ? [] : [`CODECS="${codecs}"`]),
    ...(widthPx === undefined ? [] : [`RESOLUTION=${widthPx}x${heightPx}`]),
    ...(fps === undefined ? [] : [`FRAME-RATE=${fps.toFixed(3)}`]),
  ];
}

/** Of the largest segment and of all, bits a second. */
function bitRates(records: readonly SegmentRecord[]): { peak: number; mean: number } {
  assert(records.length > 0, "a rendition on air has a segment");
  const rates = records.map(
    ({ byteLength, durationMs }) => (byteLength * 8000) / Math.max(durationMs, 1),
  );
  const durationMs = records.reduce((sum, record) => sum + record.durationMs, 0);
  const byteLength = records.reduce((sum, record) => sum + record.byteLength, 0);
  return { peak: Math.max(...rates), mean: (byteLength * 8000) / Math.max(durationMs, 1) };
}
