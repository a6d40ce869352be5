/** Tells when nobody has watched for a while: the page is hidden, and the picture paused. */
export class IdleWatch {
  readonly #afterMs: number;
  readonly #onChange: (isIdle: boolean) => void;
  #media: HTMLMediaElement | undefined;
  #listening: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isIdle = false;

  /** `onChange` is told when that has been so for `afterMs`, and when it is over. */
  constructor(afterMs: number, onChange: (isIdle: boolean) => void) {
    this.#afterMs = afterMs;
    this.#onChange = onChange;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  attach(media: HTMLMediaElement): void {
    this.detach();
    this.#media = media;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const look = (): void => this.#look();
    document.addEventListener("visibilitychange", look, { signal });
    for (const event of ["play", "pause"]) media.addEventListener(event, look, { signal });
    look();
  }

  detach(): void {
    this.#listening?.abort();
    this.#media = undefined;
    this.#look();
  }

  #look(): void {
    clearTimeout(this.#timer);
    if (this.#media?.paused === true && document.hidden) {
      this.#timer = setTimeout(() => this.#set(true), this.#afterMs);
    } else this.#set(false);
  }

  #set(isIdle: boolean): void {
    if (this.#isIdle === isIdle) return;
    this.#isIdle = isIdle;
    this.#onChange(isIdle);
  }
}
