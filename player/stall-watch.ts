/** Counts how often a picture that has begun to move stands still for want of data. */
export class StallWatch {
  readonly #onStall: (count: number) => void;
  readonly #startedAtMs = performance.now();
  #listening: AbortController | undefined;
  #count = 0;
  #startupMs: number | null = null;

  /** `onStall` is told of each stall as it begins, with their number so far. */
  constructor(onStall: (count: number) => void) {
    this.#onStall = onStall;
  }

  get count(): number {
    return this.#count;
  }

  /** From the construction to the first picture that moved, milliseconds. */
  get startupMs(): number | null {
    return this.#startupMs;
  }

  attach(media: HTMLMediaElement): void {
    this.detach();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    media.addEventListener(
      "timeupdate",
      () => {
        if (media.currentTime > 0 && !media.paused && !media.seeking) {
          this.#startupMs ??= performance.now() - this.#startedAtMs;
        }
      },
      { signal },
    );
    media.addEventListener(
      "waiting",
      () => {
        if (this.#startupMs === null || media.seeking || media.paused) return;
        this.#count++;
        this.#onStall(this.#count);
      },
      { signal },
    );
  }

  detach(): void {
    this.#listening?.abort();
    this.#listening = undefined;
  }
}
