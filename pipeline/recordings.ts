import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, isStreamId } from "../core/index.ts";

/** Inside the media root, where no stream can have this name. */
const FOLDER = ".recordings";
/** When it began, such as 20261123T120000Z. */
const ID = /^\d{8}T\d{6}Z$/;
const FILE =
  /^(?:media\.m3u8|recording(?:-\d{1,4})?\.mp4|\d{1,4}-(?:init(?:-\d)?\.mp4|\d{9,15}(?:-\d)?\.m4s))$/;
const DOWNLOAD = /^recording(?:-\d{1,4})?\.mp4$/;

/** A file of a recording, whole in itself. */
export interface RecordingFile {
  readonly name: string;
  readonly byteLength: number;
}

/** What was kept of a broadcast. */
export interface Recording {
  readonly stream: string;
  readonly id: string;
  /** The folder of its files. */
  readonly path: string;
  readonly startedAtMs: number;
  /** When its last segment was written. */
  readonly writtenAtMs: number;
  /** It is still being made: its playlist and its downloads are not there yet. */
  readonly isOpen: boolean;
  readonly durationMs: number;
  /** Of all its files. */
  readonly byteLength: number;
  /** The whole of it as MP4; several where the picture or the sound became another. */
  readonly downloads: readonly RecordingFile[];
}

/**
 * The recordings on disk: `<media root>/.recordings/<stream>/<id>/` with `media.m3u8`, its segments and
 * `recording.mp4`. While one is being made, what will be its playlist is its journal.
 */
export class Recordings {
  /** The names of a recording's playlist and of what becomes it. */
  static readonly PLAYLIST = "media.m3u8";
  static readonly JOURNAL = "media.m3u8.part";
  /** The folder of them all. */
  readonly root: string;

  constructor(mediaRoot: string) {
    this.root = join(mediaRoot, FOLDER);
  }

  /** Where a recording is or will be. */
  pathOf(stream: string, id: string): string {
    return join(this.root, stream, id);
  }

  /** The id of one that begins now. */
  static idAt(atMs: number): string {
    return new Date(atMs).toISOString().replace(/\.\d+|[-:]/g, "");
  }

  /** The streams of which there are recordings. */
  async streams(): Promise<string[]> {
    return (await names(this.root)).filter(isStreamId).sort();
  }

  /** The recordings of a stream, oldest first. */
  async list(stream: string): Promise<Recording[]> {
    if (!isStreamId(stream)) return [];
    const ids = (await names(join(this.root, stream))).filter((name) => ID.test(name)).sort();
    const found = await Promise.all(ids.map((id) => this.#read(stream, id)));
    return found.filter((one) => one !== undefined);
  }

  /** Undefined: there is none. */
  async get(stream: string, id: string): Promise<Recording | undefined> {
    return isStreamId(stream) && ID.test(id) ? this.#read(stream, id) : undefined;
  }

  /** Where a file of a recording is, if there can be one of this name. */
  fileOf({ path }: Recording, name: string): string | undefined {
    return FILE.test(name) ? join(path, name) : undefined;
  }

  async remove({ path }: Recording): Promise<void> {
    await rm(path, { recursive: true, force: true });
  }

  async removeAll(stream: string): Promise<void> {
    if (isStreamId(stream)) await rm(join(this.root, stream), { recursive: true, force: true });
  }

  async #read(stream: string, id: string): Promise<Recording | undefined> {
    const path = this.pathOf(stream, id);
    const files = await Promise.all(
      (await names(path)).map(async (name) => ({ name, ...(await sizeOf(join(path, name))) })),
    );
    const list = [Recordings.JOURNAL, Recordings.PLAYLIST]
      .map((name) => files.find((file) => file.name === name))
      .find((file) => file !== undefined);
    if (list === undefined) return undefined; // It is being removed at this moment.
    return {
      ...{ stream, id, path },
      startedAtMs: Date.parse(
        id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
      ),
      writtenAtMs: list.mtimeMs,
      isOpen: list.name === Recordings.JOURNAL,
      durationMs: durationMsOf(await readFile(join(path, list.name), "utf8").catch(() => "")),
      byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
      downloads: files
        .filter(({ name }) => DOWNLOAD.test(name))
        .map(({ name, byteLength }) => ({ name, byteLength })),
    };
  }
}

function durationMsOf(playlist: string): number {
  let durationS = 0;
  for (const [, seconds] of playlist.matchAll(/^#EXTINF:([\d.]+)/gm)) durationS += Number(seconds);
  return Math.round(durationS * 1000);
}

async function sizeOf(path: string): Promise<{ byteLength: number; mtimeMs: number }> {
  try {
    const { size: byteLength, mtimeMs } = await stat(path);
    return { byteLength, mtimeMs };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { byteLength: 0, mtimeMs: 0 };
    throw error;
  }
}

async function names(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
