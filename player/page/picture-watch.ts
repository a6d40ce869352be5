/** Watches whether the picture moves. A paused or hidden picture that nobody expects to move is not stalled. */
export class PictureWatch {
  readonly #video: HTMLVideoElement;
  #lastTimeS = 0;
  #movedAtMs = 0;
  #started = false;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
  }

  /** A new source: no picture yet. */
  reset(nowMs: number): void {
    this.#started = false;
    this.#movedAtMs = nowMs;
    this.#lastTimeS = this.#video.currentTime;
  }

  /** Call a few times a second. */
  look(nowMs: number): { started: boolean; stalledMs: number } {
    const { currentTime, paused, readyState } = this.#video;
    const moved =
      currentTime !== this.#lastTimeS && readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    const waitsForViewer = paused && readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    if (moved || waitsForViewer) {
      this.#started = true;
      this.#movedAtMs = nowMs;
    }
    this.#lastTimeS = currentTime;
    return { started: this.#started, stalledMs: nowMs - this.#movedAtMs };
  }
}
