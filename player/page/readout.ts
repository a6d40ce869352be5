/** How the picture is doing, as far as the player knows it. */
export interface Readout {
  /** Seconds behind the live edge. */
  readonly latencyS?: number | undefined;
  readonly heightPx?: number | undefined;
  readonly widthPx?: number | undefined;
  readonly bitsPerS?: number | undefined;
}

const NONE = "–";

/** "3.2 s"; whole seconds from ten on, where a tenth no longer tells anything. */
export function latencyText(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return NONE;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** "720p" for the usual 16:9 sizes, "720 × 900" for any other. */
export function resolutionText(widthPx: number | undefined, heightPx: number | undefined): string {
  if (!widthPx || !heightPx) return NONE;
  const isWide = Math.abs(widthPx / heightPx - 16 / 9) < 0.02;
  return isWide ? `${heightPx}p` : `${widthPx} × ${heightPx}`;
}

/** "2.4 Mb/s" or "640 kb/s". */
export function bitrateText(bitsPerS: number | undefined): string {
  if (!bitsPerS || !Number.isFinite(bitsPerS)) return NONE;
  return bitsPerS < 1e6
    ? `${Math.round(bitsPerS / 1e3)} kb/s`
    : `${(bitsPerS / 1e6).toFixed(1)} Mb/s`;
}

/** "1 viewer", "1,234 viewers"; nothing for none. */
export function audienceText(viewers: number): string {
  if (viewers < 1) return "";
  return viewers === 1 ? "1 viewer" : `${viewers.toLocaleString("en")} viewers`;
}

const SAMPLES_MAX = 8;

/** The bitrate of the media itself (not of the network): bytes over duration of the newest segments. */
export class MediaBitrate {
  #samples: { byteLength: number; durationS: number }[] = [];

  add(byteLength: number, durationS: number): void {
    if (durationS > 0)
      this.#samples = [...this.#samples, { byteLength, durationS }].slice(-SAMPLES_MAX);
  }

  get bitsPerS(): number | undefined {
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.byteLength, 0);
    const seconds = this.#samples.reduce((sum, sample) => sum + sample.durationS, 0);
    return seconds > 0 ? (bytes * 8) / seconds : undefined;
  }
}
