import { type ChildProcessByStdio, spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { setPriority } from "node:os";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { errorCode, StarlingError } from "../core/index.ts";
import type { MediaFormat } from "../pipeline/index.ts";
import { slateArguments } from "./ffmpeg-command.ts";
import { FlvReader } from "./flv-reader.ts";
import type { PublisherControl, TagSink } from "./rtmp/connection.ts";

/** Who is back at once is not to have had a slate in between. */
const START_AFTER_MS = 1000;
const NICE = 5;

/** What is shown while broadcasters are away. */
export interface SlateOptions {
  /** A picture or a clip, which is repeated. */
  readonly file: string;
  /** How long it is shown at most. */
  readonly maxMs: number;
  readonly ffmpegPath: string;
  /** Takes the stream for a stand-in. A StarlingError says that somebody is there. */
  readonly open: (stream: string, control: PublisherControl) => Promise<TagSink>;
  readonly log: Logger;
}

/** What a broadcast was like, which its slate is to resemble. */
export interface SlateFormat {
  readonly picture: Pick<MediaFormat, "widthPx" | "heightPx" | "fps">;
  readonly hasAudio: boolean;
}

/** Throws StarlingError "slate-file" when it cannot be read. */
export async function checkSlate(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    const reason = errorCode(cause) === "ENOENT" ? "there is no such file" : errorCode(cause);
    throw new StarlingError("slate-file", `The slate ${file} cannot be read: ${reason}.`, {
      cause,
    });
  }
}

/** Stands in for broadcasters who are away: a publisher of the origin's own, which gives way to any other. */
export class Slates {
  readonly #options: SlateOptions;
  readonly #slates = new Map<string, Slate>();
  #closed = false;

  constructor(options: SlateOptions) {
    this.#options = options;
  }

  /** A broadcaster has left. */
  show(stream: string, format: SlateFormat): void {
    if (this.#closed || this.#slates.has(stream)) return;
    const slate = new Slate(this.#options, stream, format);
    this.#slates.set(stream, slate);
    void slate.gone.then(() => this.#slates.delete(stream));
  }

  /** Ends them all. */
  async close(): Promise<void> {
    this.#closed = true;
    const slates = [...this.#slates.values()];
    for (const slate of slates) slate.end("ingest-closing", "The origin is shutting down.");
    await Promise.all(slates.map(({ gone }) => gone));
  }
}

/** The stand-in of one broadcaster. */
class Slate {
  /** Settles when its ffmpeg, if there was one, is gone. */
  readonly gone: Promise<void>;
  readonly #options: SlateOptions;
  readonly #stream: string;
  readonly #reader = new FlvReader();
  readonly #timers: NodeJS.Timeout[];
  readonly #isGone: () => void;
  #child: ChildProcessByStdio<null, Readable, null> | undefined;
  #sink: TagSink | undefined;
  #ended = false;

  constructor(options: SlateOptions, stream: string, format: SlateFormat) {
    this.#options = options;
    this.#stream = stream;
    let isGone = (): void => {};
    this.gone = new Promise((resolve) => {
      isGone = resolve;
    });
    this.#isGone = isGone;
    this.#timers = [
      setTimeout(() => void this.#open(format), START_AFTER_MS),
      setTimeout(
        () => this.end("slate-over", "The broadcaster did not come back."),
        START_AFTER_MS + options.maxMs,
      ),
    ];
  }

  end(code: string, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#sink?.end(code, reason);
    if (this.#child === undefined) this.#isGone();
    else this.#child.kill("SIGKILL");
  }

  async #open(format: SlateFormat): Promise<void> {
    try {
      const sink = await this.#options.open(this.#stream, {
        resume: () => this.#child?.stdout.resume(),
        close: (code, reason) => this.end(code, reason),
      });
      if (this.#ended) sink.end("slate-over", "The origin is shutting down.");
      else this.#run(sink, format);
    } catch (error) {
      const { log } = this.#options;
      if (error instanceof StarlingError) log.debug({ code: error.code }, "no slate is needed");
      else log.error({ err: error }, "no slate could be shown");
      this.end("slate-over", "There is no need of it.");
    }
  }

  #run(sink: TagSink, format: SlateFormat): void {
    const { file, ffmpegPath, log } = this.#options;
    this.#sink = sink;
    const child = spawn(ffmpegPath, slateArguments(file, format), {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    if (child.pid !== undefined) setPriority(child.pid, NICE);
    log.info({ stream: this.#stream }, "the broadcaster is away: the slate is shown");
    child.stdout.on("data", (bytes: Uint8Array) => this.#pass(sink, bytes));
    child.on("error", (error) => log.error({ err: error }, "the slate's ffmpeg failed"));
    child.once("close", () => {
      this.end("slate-over", "The slate's ffmpeg has ended.");
      this.#isGone();
    });
  }

  #pass(sink: TagSink, bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#reader.push(bytes);
    let isTaken = true;
    for (let tag = this.#reader.next(); tag !== undefined; tag = this.#reader.next()) {
      isTaken = sink.write(tag) && isTaken;
      if (this.#ended) return;
    }
    if (!isTaken) this.#child?.stdout.pause();
  }
}
