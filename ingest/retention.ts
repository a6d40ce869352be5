import { basename, dirname } from "node:path";
import type { Logger } from "pino";
import { INIT_PART } from "../core/index.ts";
import {
  type BlockStore,
  isRunOf,
  newestLasting,
  type PublishSessions,
  type Recording,
  type Recordings,
  type SegmentRecord,
  type Stream,
  type StreamRegistry,
  TIMELINE_RECORDS_MAX,
  type Timeline,
} from "../pipeline/index.ts";
import { INIT_NAME, PLAYLIST_NAME } from "./ffmpeg-command.ts";
import { removeSessionFiles, storedSessions, writtenAtMs } from "./session-files.ts";

/** Files that nothing names are left alone for this long: they may be about to be registered. */
const ORPHAN_AGE_MS = 60_000;

/** What each stream keeps even when room is scarce: more than a playlist and its slowest viewer need. */
const KEEP_MIN = 30;

/** Segments that are still there when they have just left a playlist: somebody may be about to fetch them. */
const DVR_SPARE = 30;

/** What the retention needs to know and to touch. */
export interface RetentionOptions {
  readonly mediaRoot: string;
  readonly registry: StreamRegistry;
  readonly sessions: PublishSessions;
  readonly timeline: Timeline;
  readonly store: BlockStore;
  readonly recordings: Recordings;
  /** Media segments that each stream keeps. */
  readonly keepCount: number;
  readonly log: Logger;
}

/** Deletes old media. The timeline forgets first: who still finds a record finds its files. */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Trims every stream, and removes everything of streams that were deleted. */
  async trim(): Promise<void> {
    const { registry, mediaRoot, recordings } = this.#options;
    const streams = await registry.list();
    for (const stream of streams) await this.#trimStream(stream.id, await this.#keepCount(stream));
    const known = new Set(streams.map(({ id }) => id));
    for (const { stream } of await storedSessions(mediaRoot)) {
      if (!known.has(stream)) await this.#trimStream(stream, 0);
    }
    for (const stream of await recordings.streams()) {
      if (!known.has(stream)) await recordings.removeAll(stream);
    }
  }

  /**
   * Removes at least `byteLength` bytes of the oldest media of all streams, but of none its newest 30
   * segments; then the oldest recordings. What the encoder made of a segment counts with it.
   */
  async shed(byteLength: number): Promise<void> {
    const { registry, timeline, log } = this.#options;
    const media: { stream: string; atMs: number; byteLength: number }[] = [];
    const counts = new Map<string, number>();
    for (const { id: stream } of await registry.list()) {
      const records = await timeline.window(stream, 0, TIMELINE_RECORDS_MAX);
      counts.set(stream, records.length);
      for (const record of records.slice(0, -KEEP_MIN)) {
        media.push({ stream, atMs: record.completedAtMs, byteLength: record.byteLength });
      }
    }
    let leftBytes = byteLength;
    for (const one of media.sort((a, b) => a.atMs - b.atMs)) {
      if (leftBytes <= 0) break;
      leftBytes -= one.byteLength;
      counts.set(one.stream, (counts.get(one.stream) ?? 0) - 1);
    }
    for (const [stream, keepCount] of counts) await this.#trimStream(stream, keepCount);
    for (const recording of leftBytes > 0 ? await this.#completeRecordings() : []) {
      if (leftBytes <= 0) break;
      leftBytes -= recording.byteLength;
      const { stream, id, byteLength: bytes } = recording;
      log.warn({ stream, recording: id, bytes }, "room is scarce: a recording is removed");
      await this.#options.recordings.remove(recording);
    }
    if (leftBytes > 0) log.error({ leftBytes }, "room is scarce, and no more media can be removed");
  }

  /** Oldest first. */
  async #completeRecordings(): Promise<Recording[]> {
    const { recordings } = this.#options;
    const all: Recording[] = [];
    for (const stream of await recordings.streams()) all.push(...(await recordings.list(stream)));
    return all.filter(({ isOpen }) => !isOpen).sort((a, b) => a.startedAtMs - b.startedAtMs);
  }

  /** Enough for the retention, and for as far back as viewers may go. */
  async #keepCount({ id, dvrS }: Stream): Promise<number> {
    const { timeline, keepCount } = this.#options;
    if (dvrS === undefined) return keepCount;
    const records = await timeline.window(id, 0, TIMELINE_RECORDS_MAX);
    return Math.max(keepCount, newestLasting(records, dvrS * 1000) + DVR_SPARE);
  }

  /**
   * Deletes files that no record names: what a crash between forgetting and deleting left, and
   * sessions that never got a segment. Expensive; meant for the start.
   */
  async sweep(): Promise<void> {
    const { mediaRoot, log } = this.#options;
    for (const stored of await storedSessions(mediaRoot)) {
      if (await this.#isLive(stored.stream, stored.session)) continue;
      if (Date.now() - (await writtenAtMs(stored.path)) < ORPHAN_AGE_MS) continue;
      const wanted = await this.#wantedSegments(stored.stream, stored.session);
      log.debug({ stream: stored.stream, wanted: wanted.size }, "sweeping an old session");
      await removeSessionFiles(stored, (name) => !wanted.has(segmentOf(name)));
    }
  }

  async #trimStream(stream: string, keepCount: number): Promise<void> {
    const { timeline, store } = this.#options;
    for (const record of await timeline.trim(stream, keepCount)) {
      await store.remove(record);
      if (record.block.part === INIT_PART) await this.#removeSession(record);
    }
  }

  /** The init segment is forgotten last, so its session has nothing left. */
  async #removeSession({ stream, session, path }: SegmentRecord): Promise<void> {
    if (await this.#isLive(stream, session)) return;
    await removeSessionFiles({ path: dirname(this.#options.store.absolutePath({ path })) });
  }

  async #isLive(stream: string, session: string): Promise<boolean> {
    const publisher = await this.#options.sessions.current(stream);
    return publisher !== undefined && isRunOf(publisher.session, session);
  }

  /** The segments of a session that some record needs; none when the session is of no use any more. */
  async #wantedSegments(stream: string, session: string): Promise<ReadonlySet<string>> {
    const { timeline } = this.#options;
    const records = [
      ...(await timeline.window(stream, 0, TIMELINE_RECORDS_MAX)),
      ...(await timeline.unsigned(stream)),
    ];
    const names = records
      .filter((one) => one.session === session)
      .map(({ path }) => segmentOf(basename(path)));
    return new Set(
      names.length === 0 ? [] : [...names, ...[INIT_NAME, PLAYLIST_NAME].map(segmentOf)],
    );
  }
}

/** `000000001` of `000000001.m4s`, `000000001-2.m4s.coded` and the like: of all of its renditions. */
function segmentOf(name: string): string {
  return /^[^.-]+/.exec(name)?.[0] ?? name;
}
