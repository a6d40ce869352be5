import {
  appendFile,
  copyFile,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { errorCode } from "../core/index.ts";
import { Recordings } from "../pipeline/index.ts";
import { isLast, makeDownloads } from "./recording-download.ts";
import type { FreshMedia } from "./session-directory.ts";

/** A broadcaster who comes back within this time goes on in the same recording. */
const PAUSE_MAX_MS = 60_000;

/** What the recorder needs to know and to touch. */
export interface RecorderOptions {
  readonly mediaRoot: string;
  readonly ffmpegPath: string;
  readonly log: Logger;
  /** Default 60 s. */
  readonly pauseMaxMs?: number | undefined;
}

/** A recording that is being made. */
interface OpenRecording {
  readonly stream: string;
  readonly path: string;
  /** Publish sessions and runs of ffmpeg that it holds. */
  runs: number;
  /** The directory that it takes from; undefined: that of an earlier process. */
  directory: string | undefined;
  writtenAtMs: number;
}

/**
 * Keeps what is broadcast. A segment is linked, not copied, into the recording's folder, and outlives there what
 * the retention deletes; a journal holds the lines of the playlist, and becomes it when the broadcast is over.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #recordings: Recordings;
  readonly #open = new Map<string, OpenRecording>();
  /** Those that are complete and wait for their MP4. */
  readonly #complete: string[] = [];
  readonly #stopping = new AbortController();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#recordings = new Recordings(options.mediaRoot);
  }

  /** Takes up what an earlier process left. */
  async start(): Promise<void> {
    for (const stream of await this.#recordings.streams()) {
      for (const { path, isOpen, writtenAtMs, downloads } of await this.#recordings.list(stream)) {
        if (isOpen) {
          const runs = (await linesOf(join(path, Recordings.JOURNAL))).filter(isMap).length;
          this.#open.set(stream, { stream, path, runs, directory: undefined, writtenAtMs });
        } else if (!downloads.some(isLast)) this.#complete.push(path);
      }
    }
  }

  /** Adds a segment to the stream's recording. Never rejects: a broadcast goes on without its recording. */
  add(stream: string, media: FreshMedia): Promise<void> {
    return this.#inTurn(async () => this.#add(await this.#recordingOf(stream), media));
  }

  /** Completes the recordings of broadcasts that are over, and makes their MP4; call it every few seconds. */
  async look(): Promise<void> {
    const { pauseMaxMs = PAUSE_MAX_MS } = this.#options;
    await this.#inTurn(async () => {
      for (const recording of this.#open.values()) {
        if (Date.now() - recording.writtenAtMs > pauseMaxMs) await this.#finish(recording);
      }
    });
    for (let path = this.#complete.shift(); path !== undefined; path = this.#complete.shift()) {
      await this.#convert(path);
    }
  }

  /** Stops making an MP4: the next process does. */
  stop(): void {
    this.#stopping.abort();
  }

  async #recordingOf(stream: string): Promise<OpenRecording> {
    const open = this.#open.get(stream);
    if (open !== undefined) return open;
    const nowMs = Date.now();
    const path = this.#recordings.pathOf(stream, Recordings.idAt(nowMs));
    await mkdir(path, { recursive: true });
    const recording = { stream, path, runs: 0, directory: undefined, writtenAtMs: nowMs };
    this.#open.set(stream, recording);
    this.#options.log.info({ stream }, "recording");
    return recording;
  }

  async #add(recording: OpenRecording, media: FreshMedia): Promise<void> {
    const { path } = recording;
    const lines: string[] = [];
    if (recording.directory !== media.directory) {
      recording.directory = media.directory;
      const name = `${recording.runs}-${media.init}`;
      await keep(join(media.directory, media.init), join(path, name));
      if (recording.runs > 0) lines.push("#EXT-X-DISCONTINUITY");
      lines.push(`#EXT-X-MAP:URI="${name}"`);
      recording.runs += 1;
    }
    const name = `${recording.runs - 1}-${media.name}`;
    await keep(join(media.directory, media.name), join(path, name));
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(media.programDateTimeMs).toISOString()}`);
    lines.push(`#EXTINF:${(media.durationMs / 1000).toFixed(3)},`, name);
    await appendFile(join(path, Recordings.JOURNAL), `${lines.join("\n")}\n`);
    recording.writtenAtMs = Date.now();
  }

  async #finish({ stream, path }: OpenRecording): Promise<void> {
    this.#open.delete(stream);
    const [journal, playlist] = [Recordings.JOURNAL, Recordings.PLAYLIST].map((name) =>
      join(path, name),
    ) as [string, string];
    await writeFile(`${playlist}.tmp`, completePlaylist(await linesOf(journal)));
    await rename(`${playlist}.tmp`, playlist);
    await rm(journal);
    this.#complete.push(path);
    this.#options.log.info({ stream }, "a recording is complete");
  }

  async #convert(path: string): Promise<void> {
    const { ffmpegPath, log } = this.#options;
    try {
      const playlist = await linesOf(join(path, Recordings.PLAYLIST));
      await makeDownloads({ path, playlist, ffmpegPath, signal: this.#stopping.signal });
    } catch (error) {
      if (!this.#stopping.signal.aborted) log.error({ err: error, path }, "no MP4 could be made");
    }
  }

  /** One thing after the other: a segment is not added to what is being completed. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: error }, "a recording could not be written");
    });
    return this.#turn;
  }
}

/** RFC 8216 section 4.3.3.5. */
function completePlaylist(lines: readonly string[]): string {
  const durationsS = lines.map((line) => Number(/^#EXTINF:([\d.]+)/.exec(line)?.[1] ?? 0));
  const head = [
    ...["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-PLAYLIST-TYPE:VOD"],
    ...[`#EXT-X-TARGETDURATION:${Math.ceil(Math.max(1, ...durationsS))}`],
    ...["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-INDEPENDENT-SEGMENTS"],
  ];
  return `${[...head, ...lines, "#EXT-X-ENDLIST"].join("\n")}\n`;
}

function isMap(line: string): boolean {
  return line.startsWith("#EXT-X-MAP:");
}

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
}

/** A second name for a file; where the file system knows none, a copy. */
async function keep(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    if (!["EPERM", "ENOTSUP", "EMLINK"].includes(errorCode(error) ?? "")) throw error;
    await copyFile(from, to);
  }
}
