import { execFile } from "node:child_process";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { StarlingError } from "../core/index.ts";
import type { RecordingFile } from "../pipeline/index.ts";
import { joinArguments } from "./ffmpeg-command.ts";
import { bodiesAt, viewOf } from "./mp4-boxes.ts";

const FIRST = "recording.mp4";
/** Live broadcasts go first. */
const NICE = 10;

/** One run of the packager: its lines of the playlist, and what its tracks are. */
interface Run {
  readonly lines: string[];
  readonly tracks: string;
}

/** A complete recording. */
interface CompleteRecording {
  readonly path: string;
  /** The lines of its playlist. */
  readonly playlist: readonly string[];
  readonly ffmpegPath: string;
  readonly signal: AbortSignal;
}

/**
 * Makes `recording.mp4` of a recording, without encoding anything. An MP4 has one description of each track:
 * where the picture or the sound became another, another file follows, `recording-2.mp4`. Throws StarlingError
 * "recording-mp4" when ffmpeg does not do it.
 */
export async function makeDownloads(recording: CompleteRecording): Promise<void> {
  const groups = grouped(await runsOf(recording));
  // The first is made last: when it is there, all are.
  for (const [index, runs] of [...groups.entries()].reverse()) {
    const name = index === 0 ? FIRST : `recording-${index + 1}.mp4`;
    await concatenate(recording, runs, name);
  }
}

/** Whether a download is the one that is made last. */
export function isLast({ name }: RecordingFile): boolean {
  return name === FIRST;
}

async function runsOf({ path, playlist }: CompleteRecording): Promise<Run[]> {
  const runs: Run[] = [];
  for (const line of playlist) {
    const init = /^#EXT-X-MAP:URI="(.+)"$/.exec(line)?.[1];
    if (init !== undefined) {
      runs.push({ lines: [line], tracks: tracksOf(await readFile(join(path, init))) });
    } else if (/^#EXTINF:|^[^#]/.test(line)) runs.at(-1)?.lines.push(line);
  }
  return runs;
}

/** The sample descriptions of an init segment (ISO/IEC 14496-12 section 8.5.2): what a decoder has to know. */
function tracksOf(init: Uint8Array): string {
  const descriptions = bodiesAt(viewOf(init), "moov/trak/mdia/minf/stbl/stsd");
  return descriptions
    .map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength).toString("base64"),
    )
    .join(" ");
}

/** Runs that follow each other and have the same tracks. */
function grouped(runs: readonly Run[]): Run[][] {
  const groups: Run[][] = [];
  for (const run of runs) {
    const last = groups.at(-1);
    if (last?.[0]?.tracks === run.tracks) last.push(run);
    else groups.push([run]);
  }
  return groups;
}

/** Each run is a playlist of its own: its timestamps begin anew. */
async function concatenate(
  { path, ffmpegPath, signal }: CompleteRecording,
  runs: readonly Run[],
  name: string,
): Promise<void> {
  const playlists = runs.map((_, index) => `run-${index}.m3u8`);
  const [list, output] = ["runs.ffconcat", `${name}.tmp`];
  const head = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:60"];
  try {
    for (const [index, { lines }] of runs.entries()) {
      const text = [...head, ...lines, "#EXT-X-ENDLIST", ""].join("\n");
      await writeFile(join(path, `run-${index}.m3u8`), text);
    }
    const entries = playlists.map((file) => `file ${file}`);
    await writeFile(join(path, list), ["ffconcat version 1.0", ...entries, ""].join("\n"));
    const running = promisify(execFile)(ffmpegPath, joinArguments(list, output), {
      ...{ cwd: path, signal },
    });
    if (running.child.pid !== undefined) setPriority(running.child.pid, NICE);
    await running;
    await rename(join(path, output), join(path, name));
  } catch (cause) {
    throw new StarlingError("recording-mp4", `ffmpeg could not make ${name} of a recording.`, {
      cause,
    });
  } finally {
    await Promise.all([...playlists, list].map((file) => rm(join(path, file), { force: true })));
  }
}
