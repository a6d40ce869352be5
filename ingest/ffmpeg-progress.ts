/** What ffmpeg last said about its progress (`-progress`). */
export interface FfmpegProgress {
  /** Media time written so far, in milliseconds. Audio-only streams report this and no frames. */
  readonly outTimeMs: number;
  readonly fps: number | undefined;
  readonly speed: number | undefined;
}

/** Reads the `key=value` lines of `-progress pipe:1`; a report ends with a `progress` line. */
export class ProgressReader {
  #fields = new Map<string, string>();

  /** Takes one line, and gives a report when it is complete. */
  push(line: string): FfmpegProgress | undefined {
    const equals = line.indexOf("=");
    if (equals < 0) return undefined;
    const key = line.slice(0, equals);
    if (key !== "progress") {
      this.#fields.set(key, line.slice(equals + 1).trim());
      return undefined;
    }
    const report = {
      outTimeMs: (this.#number("out_time_us") ?? 0) / 1000,
      fps: this.#number("fps"),
      speed: this.#number("speed"),
    };
    this.#fields = new Map();
    return report;
  }

  /** The leading number of a field; ffmpeg writes "N/A" for what it does not know yet. */
  #number(key: string): number | undefined {
    const value = Number.parseFloat(this.#fields.get(key) ?? "");
    return Number.isFinite(value) ? value : undefined;
  }
}
