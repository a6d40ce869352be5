import { execFile } from "node:child_process";
import { mkdir, rename } from "node:fs/promises";
import { setPriority } from "node:os";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { Logger } from "pino";
import { thumbnailPath } from "../pipeline/index.ts";
import { thumbnailArguments } from "./ffmpeg-command.ts";
import type { FreshMedia } from "./session-directory.ts";

const TIMEOUT_MS = 10_000;
/** An ffmpeg takes 0.08 s of a core for each: however many streams there are, no more than that a second. */
const PACE_MS = 1000;
/** Broadcasts go first. */
const NICE = 15;

/** How thumbnails are made. */
export interface ThumbnailOptions {
  readonly mediaRoot: string;
  readonly ffmpegPath: string;
  /** Between two of a stream; 0: none are made. */
  readonly intervalMs: number;
  readonly log: Logger;
}

/** Makes a JPEG of each live stream every few seconds: one ffmpeg at a time, which decodes one key frame. */
export class Thumbnails {
  readonly #options: ThumbnailOptions;
  readonly #madeAtMs = new Map<string, number>();
  readonly #stopping = new AbortController();
  /** Undefined: none is being made. */
  #making: Promise<void> | undefined;

  constructor(options: ThumbnailOptions) {
    this.#options = options;
  }

  /** Makes one of this segment, if it is time for one. Does not wait for it. */
  offer(stream: string, media: FreshMedia): void {
    const { intervalMs, log } = this.#options;
    if (intervalMs === 0 || this.#making !== undefined) return;
    const nowMs = performance.now();
    const turnMs = Math.max(intervalMs, this.#madeAtMs.size * PACE_MS);
    if (nowMs - (this.#madeAtMs.get(stream) ?? Number.NEGATIVE_INFINITY) < turnMs) return;
    for (const [other, atMs] of this.#madeAtMs) {
      if (nowMs - atMs > 2 * turnMs) this.#madeAtMs.delete(other); // It is off the air.
    }
    this.#madeAtMs.set(stream, nowMs);
    this.#making = this.#make(stream, media)
      .catch((error: unknown) => log.debug({ err: error, stream }, "no thumbnail could be made"))
      .finally(() => {
        this.#making = undefined;
      });
  }

  /** Ends the ffmpeg that makes one, if one does. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#making;
  }

  async #make(stream: string, { directory, init, name }: FreshMedia): Promise<void> {
    const { mediaRoot, ffmpegPath } = this.#options;
    const path = thumbnailPath(mediaRoot, stream);
    await mkdir(dirname(path), { recursive: true });
    const args = thumbnailArguments([init, name], `${path}.tmp`);
    const running = promisify(execFile)(ffmpegPath, args, {
      ...{ cwd: directory, timeout: TIMEOUT_MS, signal: this.#stopping.signal },
    });
    const { child } = running;
    const closed = new Promise((resolve) => child.once("close", resolve));
    if (child.pid !== undefined) setPriority(child.pid, NICE);
    try {
      await running;
    } finally {
      await closed;
    }
    await rename(`${path}.tmp`, path);
  }
}
