import { INIT_PART, type ListedSegment, renderMediaPlaylist, toHex } from "../core/index.ts";
import {
  contentKeyOf,
  type SegmentRecord,
  type Stream,
  type StreamRegistry,
  type Timeline,
} from "../pipeline/index.ts";
import { DvrWindows } from "./dvr-windows.ts";
import { FreshCache } from "./fresh-cache.ts";
import { type LiveRendition, renderMasterPlaylist } from "./master-playlist.ts";

/** `interrupted`: no segment came for some seconds, viewers wait for the broadcaster to come back. */
export type StreamState = "live" | "interrupted" | "offline";

/** What viewers can get of a rendition of a stream now. */
export interface LiveView {
  readonly stream: Stream;
  readonly state: StreamState;
  /** The live window, oldest first; empty when the stream has been offline for some time. */
  readonly records: readonly SegmentRecord[];
  /** The media playlist of the window, which ends once the stream is offline; undefined some time later. */
  readonly playlist: string | undefined;
  readonly segmentsPerS: number;
}

export interface LiveStreamsOptions {
  /** Segments in the playlist. */
  readonly playlistWindow: number;
  /** The least EXT-X-TARGETDURATION, seconds. */
  readonly targetDurationS: number;
  /** A stream whose newest segment is older than this is offline, milliseconds. */
  readonly offlineAfterMs: number;
}

const VIEW_MAX_AGE_MS = 100;
const INTERRUPTED_AFTER_MS = 6000;
/** The same in lengths of the newest segment, for broadcasters whose key frames are far apart. */
const INTERRUPTED_AFTER_SEGMENTS = 2;
/** How long an ended playlist is still there, so that every viewer sees its end. */
const END_SHOWN_MS = 60_000;
const RATE_WINDOW_MS = 10_000;

/** The live side of every stream, read from Redis at most once per 100 ms and stream. */
export class LiveStreams {
  readonly #registry: StreamRegistry;
  readonly #timeline: Timeline;
  readonly #options: LiveStreamsOptions;
  readonly #past: DvrWindows;
  readonly #views = new FreshCache(VIEW_MAX_AGE_MS, (key) => this.#load(key));
  readonly #masters = new FreshCache(VIEW_MAX_AGE_MS, (id) => this.#loadMaster(id));

  constructor(registry: StreamRegistry, timeline: Timeline, options: LiveStreamsOptions) {
    this.#registry = registry;
    this.#timeline = timeline;
    this.#options = options;
    this.#past = new DvrWindows(timeline);
  }

  /** undefined: there is no such stream. */
  view(id: string, rendition = 0): Promise<LiveView | undefined> {
    return this.#views.get(`${id}/${rendition}`);
  }

  /** The multivariant playlist of the renditions that are on air. */
  master(id: string): Promise<string> {
    return this.#masters.get(id);
  }

  async #loadMaster(id: string): Promise<string> {
    const count = await this.#timeline.renditions(id);
    const all = Array.from({ length: count }, (_, rendition) => this.#onAir(id, rendition));
    const onAir = (await Promise.all(all)).filter(({ records }) => records.length > 0);
    return renderMasterPlaylist(onAir);
  }

  async #onAir(id: string, rendition: number): Promise<LiveRendition> {
    const view = await this.view(id, rendition);
    const records = view?.records.filter(({ block }) => block.rendition === rendition) ?? [];
    const sequence = records.at(-1)?.init?.sequence ?? 0;
    const init = await this.#timeline.get(id, { rendition, sequence, part: INIT_PART });
    return { rendition, records, format: init?.format };
  }

  async #load(key: string): Promise<LiveView | undefined> {
    const [id = "", number] = key.split("/");
    const rendition = Number(number);
    const { playlistWindow, targetDurationS, offlineAfterMs } = this.#options;
    const [stream, newest] = await Promise.all([
      this.#registry.get(id),
      this.#timeline.window(id, rendition, playlistWindow),
    ]);
    if (stream === undefined) return undefined;
    const window = await this.#past.window(stream, rendition, newest);
    const nowMs = Date.now();
    const { completedAtMs = Number.NEGATIVE_INFINITY, durationMs = 0 } = window.at(-1) ?? {};
    const ageMs = nowMs - completedAtMs;
    const patienceMs = Math.max(INTERRUPTED_AFTER_MS, INTERRUPTED_AFTER_SEGMENTS * durationMs);
    if (ageMs > offlineAfterMs + END_SHOWN_MS) {
      return { stream, state: "offline", records: [], playlist: undefined, segmentsPerS: 0 };
    }
    const isOver = ageMs > offlineAfterMs;
    const recent = window.filter((record) => nowMs - record.completedAtMs < RATE_WINDOW_MS);
    return {
      stream,
      state: isOver ? "offline" : ageMs > patienceMs ? "interrupted" : "live",
      records: window,
      playlist: renderMediaPlaylist(withKeys(stream, window), {
        targetDurationS,
        ended: isOver,
        rendition,
      }),
      segmentsPerS: recent.length / (RATE_WINDOW_MS / 1000),
    };
  }
}

/** The segments, each with the key of its publish session where they are encrypted. */
function withKeys(stream: Stream, records: readonly SegmentRecord[]): readonly ListedSegment[] {
  if (stream.contentSecret === "") return records;
  return records.map((record) => {
    const content = contentKeyOf(stream, record.session);
    const key = content && { uri: `${record.session}.key`, iv: toHex(content.iv) };
    return { ...record, key };
  });
}
