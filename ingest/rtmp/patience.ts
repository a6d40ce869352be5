import { after, type InstantMs, StarlingError } from "../../core/index.ts";

/** How long a publisher may take. All in milliseconds. */
export interface RtmpTimeouts {
  /** From the connection to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** From the connection to the first audio or video message. */
  readonly firstPacketTimeoutMs: number;
  /** Between two audio or video messages. */
  readonly silenceTimeoutMs: number;
}

/** Knows until when to wait for a publisher, and why it is not waited for any longer. */
export class Patience {
  readonly #timeouts: RtmpTimeouts;
  readonly #openedAt: InstantMs;
  #handshaken = false;
  #mediaAt: InstantMs | undefined;

  constructor(now: InstantMs, timeouts: RtmpTimeouts) {
    this.#openedAt = now;
    this.#timeouts = timeouts;
  }

  /** The handshake is over. */
  handshaken(): void {
    this.#handshaken = true;
  }

  /** Audio or video came. */
  media(now: InstantMs): void {
    this.#mediaAt = now;
  }

  /** We had stopped reading; the silence meanwhile was ours. */
  resumed(now: InstantMs): void {
    if (this.#mediaAt !== undefined) this.#mediaAt = now;
  }

  /** The instant at which patience ends. */
  get deadline(): InstantMs {
    const { handshakeTimeoutMs, firstPacketTimeoutMs, silenceTimeoutMs } = this.#timeouts;
    if (this.#mediaAt !== undefined) return after(this.#mediaAt, silenceTimeoutMs);
    if (this.#handshaken) return after(this.#openedAt, firstPacketTimeoutMs);
    return after(this.#openedAt, Math.min(handshakeTimeoutMs, firstPacketTimeoutMs));
  }

  /** Throws StarlingError "rtmp-handshake-timeout", "rtmp-first-packet-timeout" or "rtmp-silence". */
  check(now: InstantMs): void {
    if (now < this.deadline) return;
    const { firstPacketTimeoutMs, silenceTimeoutMs } = this.#timeouts;
    if (this.#mediaAt !== undefined) {
      throw new StarlingError(
        "rtmp-silence",
        `No audio or video for ${silenceTimeoutMs / 1000} s.`,
      );
    }
    if (this.#handshaken) {
      throw new StarlingError(
        "rtmp-first-packet-timeout",
        `No audio or video came within ${firstPacketTimeoutMs / 1000} s of the connection.`,
      );
    }
    const waitedS = (this.deadline - this.#openedAt) / 1000;
    throw new StarlingError(
      "rtmp-handshake-timeout",
      `The client connected and did not complete the RTMP handshake within ${waitedS} s.`,
    );
  }
}
