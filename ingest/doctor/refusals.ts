import type { Finding } from "./doctor.ts";

/** How long a broadcaster who was turned away can read why. */
const KEPT_MS = 300_000;
const STREAMS_MAX = 1000;
/** Ends of a publish session that are the encoder's settings' fault, and not a farewell. */
const CODES = [
  "publisher-codec",
  "publisher-unreadable",
  "publisher-keyframes",
  "publisher-bitrate",
  "ffmpeg-failed",
  "srt-codec",
];

/** A stream whose broadcaster was turned away, and why. */
export interface Refusal extends Finding {
  readonly stream: string;
}

/** Remembers why the last broadcaster of each stream was let go. */
export class Refusals {
  readonly #byStream = new Map<string, Refusal>();

  /** Takes note of how a session ended; most ends are no refusals. `nowMs` is the UNIX time. */
  note(
    nowMs: number,
    stream: string,
    end: { readonly code: string; readonly reason: string },
  ): void {
    const { code, reason: message } = end;
    if (!CODES.includes(code)) return;
    if (this.#byStream.size >= STREAMS_MAX) this.#byStream.clear();
    const cure = "Change that, and start the broadcast again.";
    this.#byStream.set(stream, { stream, code, severity: "error", message, cure, sinceMs: nowMs });
  }

  /** Those of the last five minutes. */
  recent(nowMs: number): Refusal[] {
    for (const [stream, { sinceMs }] of this.#byStream) {
      if (nowMs - sinceMs > KEPT_MS) this.#byStream.delete(stream);
    }
    return [...this.#byStream.values()];
  }

  /** Its broadcaster is let in again. */
  forget(stream: string): void {
    this.#byStream.delete(stream);
  }
}
