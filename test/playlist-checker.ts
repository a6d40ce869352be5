/** What a media playlist says of one segment. */
interface Listed {
  readonly uri: string;
  readonly map: string;
  readonly durationS: number;
  readonly discontinuity: number;
}

interface Playlist {
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly targetDurationS: number;
  readonly segments: readonly Listed[];
}

const VIOLATIONS_MAX = 100;
/** EXTINF is rounded to whole seconds before it is compared (RFC 8216 section 4.3.3.1). */
const ONCE = ["#EXT-X-VERSION", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE"];

/**
 * Checks every playlist of one live stream, in the order in which they were served, against RFC 8216: each
 * on its own, and each with all before it. What once had a number keeps it for ever (section 6.2.2).
 */
export class PlaylistChecker {
  /** Playlists seen, and those that differ from the one before. */
  served = 0;
  versions = 0;
  readonly violations: string[] = [];
  readonly #bySequence = new Map<number, Listed>();
  readonly #sequenceOf = new Map<string, number>();
  #last = "";
  #mediaSequence = 0;
  #discontinuitySequence = 0;

  /** Highest number of discontinuities before a segment, so far. */
  get discontinuities(): number {
    return Math.max(0, ...[...this.#bySequence.values()].map(({ discontinuity }) => discontinuity));
  }

  /** Different EXT-X-MAP so far. */
  get maps(): number {
    return new Set([...this.#bySequence.values()].map(({ map }) => map)).size;
  }

  check(text: string): void {
    this.served += 1;
    if (text === this.#last) return;
    this.#last = text;
    this.versions += 1;
    const playlist = parse(text, (words) => this.#violation(words));
    this.#checkAlone(playlist);
    this.#checkWithEarlier(playlist);
  }

  #checkAlone({ segments, targetDurationS }: Playlist): void {
    if (segments.length === 0) this.#violation("the playlist lists no segment");
    if (new Set(segments.map(({ uri }) => uri)).size < segments.length) {
      this.#violation("a URI is listed twice");
    }
    for (const [index, { uri, map, durationS, discontinuity }] of segments.entries()) {
      const before = segments[index - 1];
      if (Math.round(durationS) > targetDurationS) {
        this.#violation(`${uri}: EXTINF ${durationS} > target ${targetDurationS}`);
      }
      if (map === "") this.#violation(`${uri}: no EXT-X-MAP (section 4.3.2.5)`);
      if (before !== undefined && map !== before.map && discontinuity === before.discontinuity) {
        this.#violation(`${uri}: another EXT-X-MAP without EXT-X-DISCONTINUITY`);
      }
    }
  }

  #checkWithEarlier({ mediaSequence, discontinuitySequence, segments }: Playlist): void {
    if (mediaSequence < this.#mediaSequence) this.#violation("EXT-X-MEDIA-SEQUENCE went back");
    if (discontinuitySequence < this.#discontinuitySequence) {
      this.#violation("EXT-X-DISCONTINUITY-SEQUENCE went back");
    }
    this.#mediaSequence = mediaSequence;
    this.#discontinuitySequence = discontinuitySequence;
    for (const [index, segment] of segments.entries()) {
      const sequence = mediaSequence + index;
      const known = this.#bySequence.get(sequence);
      const owner = this.#sequenceOf.get(segment.uri);
      if (owner !== undefined && owner !== sequence) {
        this.#violation(`${segment.uri} is used for ${owner} and for ${sequence}`);
      }
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(segment)) {
        this.#violation(`${sequence} was ${JSON.stringify(known)}, is ${JSON.stringify(segment)}`);
      }
      this.#bySequence.set(sequence, segment);
      this.#sequenceOf.set(segment.uri, sequence);
    }
  }

  #violation(words: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(words);
  }
}

function parse(text: string, violation: (words: string) => void): Playlist {
  const lines = text.split("\n");
  if (lines[0] !== "#EXTM3U") violation("the first line is not #EXTM3U (section 4.3.1.1)");
  for (const tag of ONCE) {
    const count = lines.filter((line) => line.startsWith(`${tag}:`)).length;
    if (count !== 1) violation(`${tag} is there ${count} times`);
  }
  const numberOf = (tag: string) =>
    Number(lines.find((line) => line.startsWith(`${tag}:`))?.slice(tag.length + 1) ?? 0);
  const discontinuitySequence = numberOf("#EXT-X-DISCONTINUITY-SEQUENCE");
  const segments: Listed[] = [];
  let map = "";
  let durationS = Number.NaN;
  let discontinuity = discontinuitySequence;
  for (const line of lines) {
    map = /^#EXT-X-MAP:URI="([^"]+)"/.exec(line)?.[1] ?? map;
    if (line === "#EXT-X-DISCONTINUITY") discontinuity += 1;
    if (line.startsWith("#EXTINF:")) durationS = Number.parseFloat(line.slice(8));
    if (line === "" || line.startsWith("#")) continue;
    if (Number.isNaN(durationS)) violation(`${line}: no EXTINF (section 4.3.2.1)`);
    segments.push({ uri: line, map, durationS, discontinuity });
    durationS = Number.NaN;
  }
  return {
    mediaSequence: numberOf("#EXT-X-MEDIA-SEQUENCE"),
    discontinuitySequence,
    targetDurationS: numberOf("#EXT-X-TARGETDURATION"),
    segments,
  };
}
