import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, isStreamId } from "../core/index.ts";

/** What ffmpeg, the encoder and a crash can leave in a session's directory. */
const OUR_FILE =
  /^(?:init(?:-\d)?\.mp4|media(?:-\d)?\.m3u8|\d{9,15}(?:-\d)?\.(?:m4s|enc))(?:\.(?:\d+\.coded|coded|[a-z2-7]+\.tmp|tmp))*$/;
const FFMPEG_FILE = /^(?:init(?:-\d)?\.mp4|media(?:-\d)?\.m3u8|\d{9,15}(?:-\d)?\.m4s)(?:\.tmp)?$/;
const PRIVATE_PLAYLIST = /^media(?:-\d)?\.m3u8$/;
const SESSION_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** One publish session that has left files. */
export interface StoredSession {
  readonly stream: string;
  readonly session: string;
  /** Absolute path of its directory. */
  readonly path: string;
}

/** Every session directory under the media root, oldest first: session ids begin with their time. */
export async function storedSessions(mediaRoot: string): Promise<StoredSession[]> {
  const found: StoredSession[] = [];
  for (const stream of (await directories(mediaRoot)).filter(isStreamId)) {
    const sessions = await directories(join(mediaRoot, stream));
    for (const session of sessions.filter((name) => SESSION_NAME.test(name)).sort()) {
      found.push({ stream, session, path: join(mediaRoot, stream, session) });
    }
  }
  return found;
}

/** Whether a file is a private playlist of ffmpeg, of a whole session or of one rendition. */
export function isPrivatePlaylist(name: string): boolean {
  return PRIVATE_PLAYLIST.test(name);
}

/** The names of the private playlists in a session's directory, by rendition. */
export async function privatePlaylists(path: string): Promise<string[]> {
  return (await entries(path)).filter(isPrivatePlaylist).sort();
}

/** When ffmpeg last wrote in the directory, milliseconds since the UNIX epoch; 0 when never. */
export async function writtenAtMs(path: string): Promise<number> {
  const names = (await entries(path)).filter((name) => FFMPEG_FILE.test(name));
  return Math.max(0, ...(await Promise.all(names.map((name) => mtimeMs(join(path, name))))));
}

/**
 * Deletes our own files in a session's directory for which `isDead` holds, and the directory with
 * its stream's directory when that leaves them empty. Files that are not ours stay.
 */
export async function removeSessionFiles(
  { path }: Pick<StoredSession, "path">,
  isDead: (name: string) => boolean = () => true,
): Promise<void> {
  const dead = (await entries(path)).filter((name) => OUR_FILE.test(name) && isDead(name));
  await Promise.all(dead.map((name) => rm(join(path, name), { force: true })));
  await removeIfEmpty(path);
  await removeIfEmpty(join(path, ".."));
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) throw error;
  }
}

async function mtimeMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return 0;
    throw error;
  }
}

async function directories(path: string): Promise<string[]> {
  try {
    const found = await readdir(path, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function entries(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
