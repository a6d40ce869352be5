const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 15_000;
const JITTER = 0.2;
/** A run that lasted this long counts as good. */
const GOOD_RUN_MS = 30_000;

/** How long to wait before ffmpeg is started again: twice as long each time, until a run has lasted. */
export class RestartPace {
  readonly #random: () => number;
  #inARow = 0;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Runs that ended one after the other, none of which lasted. */
  get inARow(): number {
    return this.#inARow;
  }

  /**
   * A run of `ranMs` has ended. Milliseconds to wait: none the first time when nothing failed, because the
   * publisher itself began anew, with a key frame.
   */
  pauseMs(ranMs: number, failed: boolean): number {
    if (ranMs >= GOOD_RUN_MS) this.#inARow = 0;
    this.#inARow += 1;
    if (!failed && this.#inARow === 1) return 0;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** (this.#inARow - 1));
    return pauseMs * (1 - JITTER + 2 * JITTER * this.#random());
  }
}
