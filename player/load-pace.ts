/** What a load over HTTP is thought to take before one was seen. */
const LOAD_MS_START = 300;
const LOAD_GAIN = 0.3;
/** HTTP is asked when this much is left to play, and the time that it took lately twice. */
const URGENT_MS = 500;
/** The same, until the mesh has brought some segments in a row by itself. */
const UNPROVEN_URGENT_MS = 1000;
const PROVEN_MIN = 5;
const URGENT_MS_MAX = 4000;
/** What a segment lacks may take so long, at the least and at the most, before all of it is asked for. */
const HURRY_MS_MIN = 200;
const HURRY_MS_MAX = 4000;

/** How fast segments come over HTTP, how surely without it, and what follows from that. */
export class LoadPace {
  #loadMs = LOAD_MS_START;
  /** Segments in a row that came without HTTP. */
  #meshed = 0;
  #downlinkKbps = 0;

  /** What a load takes by now, milliseconds. */
  get loadMs(): number {
    return this.#loadMs;
  }

  /** What the line carries at the least: the fastest load of a whole segment, kb/s; 0: there was none. */
  get downlinkKbps(): number {
    return this.#downlinkKbps;
  }

  /** HTTP is asked when this much is left to play, milliseconds. */
  get urgentMs(): number {
    const marginMs = this.#meshed < PROVEN_MIN ? UNPROVEN_URGENT_MS : URGENT_MS;
    return Math.min(marginMs + 2 * this.#loadMs, URGENT_MS_MAX);
  }

  /** A segment came by the mesh alone. */
  meshed(): void {
    this.#meshed++;
  }

  /** A load took this long, of a whole segment with so many bytes, or of what one lacked. */
  loaded(loadMs: number, byteLength = 0): void {
    this.#meshed = 0;
    const kbps = Math.round((8 * byteLength) / Math.max(1, loadMs));
    this.#downlinkKbps = Math.max(this.#downlinkKbps, kbps);
    this.#loadMs += LOAD_GAIN * (loadMs - this.#loadMs);
  }

  /** How long what a segment lacks may take before all of it is asked for, with this much left to play; milliseconds. */
  hurryMs(leftMs: number): number {
    return Math.min(Math.max(2 * this.#loadMs, leftMs / 2, HURRY_MS_MIN), HURRY_MS_MAX);
  }
}
