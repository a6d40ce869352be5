import {
  INIT_PART,
  type ListedSegment,
  type Manifest,
  renderMediaPlaylist,
} from "../core/index.ts";

/** Announced segments that are remembered. */
const ANNOUNCED_MAX = 64;
/** A playlist that lists fewer segments grows before old ones leave it. */
const WINDOW_MIN = 12;
/** The next segment is late when so much of the last one's duration has passed since that was announced. */
const LATE_AFTER = 1.5;

interface Playlist {
  readonly targetDurationS: number;
  readonly segments: readonly ListedSegment[];
}

/** What the manifests of a segment's parts told so far. */
interface Announced {
  readonly parts: Map<number, Manifest>;
}

/**
 * Continues the origin's media playlist by verified manifests, so that it need not be asked for. It
 * holds what is in the playlist that HTTP gave last, and appends the segments that follow without a hole.
 */
export class MeshPlaylist {
  readonly rendition: number;
  readonly #announced = new Map<number, Announced>();
  #playlist: Playlist | undefined;
  #grewAtMs = Number.NEGATIVE_INFINITY;
  #isTold = true;

  /** Of one rendition; by default the first. */
  constructor(rendition = 0) {
    this.rendition = rendition;
  }

  /** Takes the playlist that HTTP gave. One that is not the origin's own cannot be continued. */
  learn(nowMs: number, text: string): void {
    const playlist = parse(text, this.rendition);
    const { targetDurationS = 0, segments = [] } = playlist ?? {};
    const isOurs = segments.length > 0 && this.#render({ targetDurationS, segments }) === text;
    if (sequenceOf(playlist) !== sequenceOf(this.#playlist)) this.#grewAtMs = nowMs;
    this.#playlist = isOurs ? playlist : undefined;
    this.#isTold = true;
  }

  /** A manifest was verified. Says whether the playlist has grown by it. */
  announced(nowMs: number, manifest: Manifest): boolean {
    const { sequence, part, rendition } = manifest.block;
    if (part === INIT_PART || rendition !== this.rendition) return false;
    const announced = this.#announced.get(sequence) ?? { parts: new Map() };
    this.#announced.set(sequence, announced);
    announced.parts.set(part, manifest);
    for (const oldest of this.#announced.keys()) {
      if (this.#announced.size <= ANNOUNCED_MAX) break;
      this.#announced.delete(oldest);
    }
    return this.#extend(nowMs);
  }

  /** How long growth may still be waited for; 0: it is late, or not to be had; undefined: it has grown. */
  patienceMs(nowMs: number): number | undefined {
    if (this.#playlist === undefined || this.#announced.size === 0) return 0;
    if (!this.#isTold) return undefined;
    const durationMs = this.#playlist.segments.at(-1)?.durationMs ?? 0;
    return Math.max(0, this.#grewAtMs + LATE_AFTER * durationMs - nowMs);
  }

  /** The playlist, if it has grown since it was taken or learned last. */
  take(nowMs: number): string | undefined {
    this.#extend(nowMs);
    if (this.#playlist === undefined || this.#isTold) return undefined;
    this.#isTold = true;
    return this.#render(this.#playlist);
  }

  #render({ targetDurationS, segments }: Playlist): string {
    return renderMediaPlaylist(segments, {
      ...{ targetDurationS, ended: false, rendition: this.rendition },
    });
  }

  #extend(nowMs: number): boolean {
    let hasGrown = false;
    for (let playlist = this.#playlist; playlist !== undefined; playlist = this.#playlist) {
      const { segments, targetDurationS } = playlist;
      const next = (sequenceOf(playlist) ?? 0) + 1;
      const segment = listedOf(this.#announced.get(next));
      if (segment === undefined) break;
      const kept = segments.slice(segments.length < WINDOW_MIN ? 0 : 1);
      this.#playlist = { targetDurationS, segments: [...kept, segment] };
      this.#grewAtMs = nowMs;
      this.#isTold = false;
      hasGrown = true;
    }
    return hasGrown;
  }
}

/** The number of the newest segment. */
function sequenceOf(playlist: Playlist | undefined): number | undefined {
  return playlist?.segments.at(-1)?.block.sequence;
}

/** The whole segment, once the manifests of all of its parts are here. */
function listedOf(announced: Announced | undefined): ListedSegment | undefined {
  const first = announced?.parts.get(0);
  if (announced === undefined || first === undefined) return undefined;
  let durationMs = 0;
  for (let part = 0; ; part++) {
    const manifest = announced.parts.get(part);
    if (manifest === undefined) return undefined;
    durationMs += manifest.durationMs;
    if (manifest.last) return { ...first, durationMs };
  }
}

/** Reads a playlist as `renderMediaPlaylist` writes it; what else it may hold is lost. */
function parse(text: string, rendition: number): Playlist | undefined {
  const number = (tag: string): number => {
    return Number(new RegExp(`^#${tag}:(\\d+)$`, "m").exec(text)?.[1]);
  };
  const sequence = number("EXT-X-MEDIA-SEQUENCE");
  const targetDurationS = number("EXT-X-TARGETDURATION");
  const segments: ListedSegment[] = [];
  const tags = {
    discontinuity: number("EXT-X-DISCONTINUITY-SEQUENCE"),
    init: null as ListedSegment["init"],
    programDateTimeMs: Number.NaN,
    durationMs: Number.NaN,
  };
  for (const line of text.split("\n")) {
    if (/^\d+\.m4s$/.test(line)) {
      segments.push({ block: { rendition, sequence: sequence + segments.length }, ...tags });
    } else readTag(line, tags);
  }
  const isWhole = segments.every(
    (segment) =>
      segment.init !== null &&
      Number.isFinite(segment.programDateTimeMs + segment.durationMs + segment.discontinuity),
  );
  return isWhole && Number.isFinite(sequence + targetDurationS)
    ? { targetDurationS, segments }
    : undefined;
}

/** Notes what a tag says of the segments that follow. */
function readTag(
  line: string,
  tags: { -readonly [Name in Exclude<keyof ListedSegment, "block" | "key">]: ListedSegment[Name] },
): void {
  const [, tag, value = ""] = /^#(EXT[^:]*):?(.*)$/.exec(line) ?? [];
  if (tag === "EXT-X-DISCONTINUITY") tags.discontinuity++;
  else if (tag === "EXT-X-MAP") {
    tags.init = { sequence: Number(/init-(\d+)\.mp4/.exec(value)?.[1]) };
  } else if (tag === "EXT-X-PROGRAM-DATE-TIME") tags.programDateTimeMs = Date.parse(value);
  else if (tag === "EXTINF") tags.durationMs = Math.round(Number.parseFloat(value) * 1000);
}
