import { createHash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import type { Logger } from "pino";
import { assert, errorCode, StarlingError, toBase64Url } from "../core/index.ts";
import {
  type ContentKey,
  contentKeyOf,
  type EncodeQueue,
  encryptFile,
  enqueueEncode,
  type NewSegment,
  type SegmentRecords,
  type StreamRegistry,
  type Timeline,
} from "../pipeline/index.ts";
import { PLAYLIST_NAME } from "./ffmpeg-command.ts";
import { fragmentProblem } from "./fragment.ts";
import { mediaFormat } from "./media-format.ts";
import {
  type CompleteSegment,
  completeSegments,
  type ListedSegment,
  parsePrivatePlaylist,
} from "./private-playlist.ts";
import { isPrivatePlaylist, privatePlaylists } from "./session-files.ts";

/** Where segments go once they are complete. */
export interface Catalogue {
  readonly mediaRoot: string;
  readonly timeline: Timeline;
  readonly encodeQueue: EncodeQueue;
  /** Tells by what the media of a stream is encrypted. */
  readonly registry: Pick<StreamRegistry, "get">;
}

/** The directory of one publish session, and whom to tell of it. */
export interface SessionDirectoryOptions {
  readonly catalogue: Catalogue;
  readonly stream: string;
  readonly session: string;
  readonly log: Logger;
  /**
   * The files are of an earlier run: a segment was complete when its file was written, and what is
   * still to be encoded is asked of the timeline afterwards.
   */
  readonly recovering?: boolean;
  /** Nothing is registered before this settles: an older session of the stream has its turn. */
  readonly turn?: Promise<void>;
  /**
   * When the first media of the session came, milliseconds since the UNIX epoch. ffmpeg counts
   * program time from the moment at which it has probed its input, about a second later.
   */
  readonly mediaStartedAtMs?: () => number | undefined;
  readonly onRegistered?: (records: SegmentRecords) => void;
  /** Given each registered segment; it stays where it is until this settles. Never rejects. */
  readonly onMedia?: ((media: FreshMedia) => Promise<void>) | undefined;
}

/** A segment of the best rendition as it lies on disk, in the clear. */
export interface FreshMedia {
  /** Of this run of ffmpeg. */
  readonly directory: string;
  /** Names in it. */
  readonly init: string;
  readonly name: string;
  readonly durationMs: number;
  /** Milliseconds since the UNIX epoch. */
  readonly programDateTimeMs: number;
}

/** A file of the directory, as it is registered. */
type SegmentFile = Omit<
  NewSegment,
  "stream" | "session" | "rendition" | "path" | "completedAtMs"
> & { readonly name: string };

/**
 * Follows the directory that ffmpeg writes and puts each segment into the public order as soon as
 * the private playlists of all renditions name it, in their order, the init segments first.
 */
export class SessionDirectory {
  readonly #options: SessionDirectoryOptions;
  readonly #log: Logger;
  #watcher: FSWatcher | undefined;
  /** Of each rendition; undefined: those that an earlier run left. */
  #playlistNames: readonly string[] | undefined;
  #lastIndex = -1;
  #initRegistered = false;
  /** What is taken off ffmpeg's program times. */
  #programTimeLeadMs: number | undefined;
  #over = false;
  #scanning: Promise<void> = Promise.resolve();
  #scanQueued = false;

  constructor(options: SessionDirectoryOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#playlistNames = options.recovering === true ? undefined : [PLAYLIST_NAME];
  }

  /** ffmpeg is about to write these private playlists, one for each rendition; by default one in all. */
  expect(playlistNames: readonly string[]): void {
    this.#playlistNames = playlistNames;
  }

  get path(): string {
    const { catalogue, stream, session } = this.#options;
    return join(catalogue.mediaRoot, stream, session);
  }

  /** Scans whenever a playlist is replaced. The directory exists. */
  watch(): void {
    this.#watcher = watch(this.path, {
      depth: 0,
      ignored: (path, stats) => stats?.isFile() === true && !isPrivatePlaylist(basename(path)),
    });
    this.#watcher.on("all", () => void this.scan());
    this.#watcher.on("error", (error) => this.#log.warn({ err: error }, "watching failed"));
  }

  /** Stops watching, after a last look. */
  async close(): Promise<void> {
    await this.#watcher?.close();
    await this.scan();
  }

  /** Registers what the playlists name and is not registered yet. Never rejects. */
  scan(): Promise<void> {
    if (this.#scanQueued) return this.#scanning;
    this.#scanQueued = true;
    this.#scanning = this.#scanning.then(async () => {
      await this.#options.turn;
      this.#scanQueued = false;
      await this.#scanOnce().catch((error: unknown) => {
        this.#log.error({ err: error }, "the session directory could not be read; trying again");
      });
    });
    return this.#scanning;
  }

  async #scanOnce(): Promise<void> {
    const names = this.#playlistNames ?? (await privatePlaylists(this.path));
    const texts = await Promise.all(names.map((name) => this.#readPlaylist(name)));
    const playlists = texts.flatMap((text) =>
      text === undefined ? [] : parsePrivatePlaylist(text),
    );
    if (this.#over || playlists.length < names.length) return;
    for (const segment of completeSegments(playlists)) {
      if (this.#over) return;
      if (segment.index <= this.#lastIndex) continue;
      this.#playlistNames = names;
      if (await this.#isIntact(segment)) await this.#registerMedia(segment);
      this.#lastIndex = segment.index;
    }
  }

  async #isIntact({ renditions }: CompleteSegment): Promise<boolean> {
    for (const { segment } of renditions) {
      if (this.#options.recovering === true && (await this.#isEncrypted(segment.name)))
        return false;
      const problem = await this.#problemOf(segment.name);
      if (problem === undefined) continue;
      // An earlier run may have deleted the oldest segments that the playlist still names.
      const level = this.#options.recovering === true ? "warn" : "error";
      const detail = `segment left out: ${problem}; a full disk does that`;
      this.#log[level]({ segment: segment.name }, detail);
      return false;
    }
    return true;
  }

  async #problemOf(name: string): Promise<string | undefined> {
    try {
      return await fragmentProblem(join(this.path, name));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return "its file is gone";
      throw error;
    }
  }

  /** Whether an earlier run registered the segment, and deleted what was not encrypted. */
  async #isEncrypted(name: string): Promise<boolean> {
    const [plain, encrypted] = [name, encryptedName(name)].map((one) =>
      stat(join(this.path, one)).then(
        () => true,
        () => false,
      ),
    );
    return !(await plain) && (await encrypted) === true;
  }

  async #registerMedia({ index, renditions }: CompleteSegment): Promise<void> {
    const [first] = renditions;
    if (first === undefined) return;
    this.#programTimeLeadMs ??= await this.#programTimeLeadOf(first.segment);
    const leadMs = this.#programTimeLeadMs;
    if (!this.#initRegistered) await this.#registerInits(renditions, leadMs);
    const key = await this.#contentKey();
    const files = renditions.map(async ({ segment: { name, durationMs, programDateTimeMs } }) => {
      const stored = key === undefined ? name : await this.#encrypted(name, key);
      const { size: byteLength } = await stat(join(this.path, stored));
      const programTime = { programDateTimeMs: programDateTimeMs - leadMs };
      return { index, name: stored, byteLength, durationMs, ...programTime };
    });
    await this.#register(await Promise.all(files));
    if (!this.#over) await this.#handOn(first, leadMs);
    if (key === undefined) return;
    for (const { segment } of renditions) await rm(join(this.path, segment.name), { force: true });
  }

  async #handOn({ init, segment }: CompleteSegment["renditions"][number], leadMs: number) {
    const { name, durationMs } = segment;
    const programDateTimeMs = segment.programDateTimeMs - leadMs;
    const media = { directory: this.path, init, name, durationMs, programDateTimeMs };
    await this.#options.onMedia?.(media);
  }

  /** By what the session's media is encrypted; undefined: it is not. */
  async #contentKey(): Promise<ContentKey | undefined> {
    const { catalogue, stream, session } = this.#options;
    const found = await catalogue.registry.get(stream);
    return found && contentKeyOf(found, session);
  }

  /** Gives the name of the encrypted file that stands beside a segment. */
  async #encrypted(name: string, key: ContentKey): Promise<string> {
    const encrypted = encryptedName(name);
    await encryptFile(join(this.path, name), join(this.path, encrypted), key);
    return encrypted;
  }

  /** How far ffmpeg's program times are ahead of the session's first intact segment. */
  async #programTimeLeadOf({ name, durationMs, programDateTimeMs }: ListedSegment) {
    const { recovering = false, mediaStartedAtMs } = this.#options;
    // Of an earlier run it is only known when its file was complete.
    const startedAtMs = recovering
      ? (await this.#writtenAtMs(name)) - durationMs
      : mediaStartedAtMs?.();
    return programDateTimeMs - (startedAtMs ?? programDateTimeMs);
  }

  async #readPlaylist(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** ffmpeg writes init.mp4 in place; it is whole once the playlist names a segment. */
  async #registerInits(
    renditions: CompleteSegment["renditions"],
    programTimeLeadMs: number,
  ): Promise<void> {
    const files = renditions.map(async ({ init, segment }) => {
      const [bytes, media] = await Promise.all(
        [init, segment.name].map((name) => readFile(join(this.path, name))),
      );
      assert(bytes !== undefined && media !== undefined, "two files were read");
      return {
        ...({ index: "init", name: init, byteLength: bytes.length, durationMs: 0 } as const),
        programDateTimeMs: segment.programDateTimeMs - programTimeLeadMs,
        initSha256: toBase64Url(createHash("sha256").update(bytes).digest()),
        format: mediaFormat(bytes, media),
      };
    });
    await this.#register(await Promise.all(files));
    this.#initRegistered = true;
  }

  /** Registers the files of one segment, by rendition. */
  async #register(files: readonly SegmentFile[]): Promise<void> {
    const { catalogue, stream, session, recovering = false, onRegistered } = this.#options;
    const { timeline, encodeQueue } = catalogue;
    const nowMs = Date.now();
    const [first, ...others] = await Promise.all(
      files.map(async ({ name, ...fields }, rendition) => ({
        ...{ ...fields, stream, session, rendition, path: `${stream}/${session}/${name}` },
        completedAtMs: recovering ? await this.#writtenAtMs(name) : nowMs,
      })),
    );
    assert(first !== undefined, "a segment has at least one rendition");
    try {
      const records = await timeline.register(first, ...others);
      if (!recovering) await Promise.all(records.map((one) => enqueueEncode(encodeQueue, one)));
      onRegistered?.(records);
    } catch (error) {
      if (!(error instanceof StarlingError)) throw error;
      this.#refused(first.path, error);
    }
  }

  async #writtenAtMs(name: string): Promise<number> {
    return Math.round((await stat(join(this.path, name))).mtimeMs);
  }

  #refused(segment: string, error: StarlingError): void {
    if (error.code === "session-over") this.#over = true;
    // What was registered and trimmed before a restart is refused for good, and rightly so.
    const level = this.#options.recovering === true ? "debug" : "error";
    this.#log[level]({ segment, code: error.code }, `segment left out: ${error.message}`);
  }
}

/** `000000041.m4s` -> `000000041.enc`. */
function encryptedName(name: string): string {
  return name.replace(/\.m4s$/, ".enc");
}
