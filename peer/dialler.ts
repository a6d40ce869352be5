import { errorCode, parseSignal, RELAY_BYTES_MAX, type Signal, utf8 } from "../core/index.ts";
import type { Input, Output } from "../mesh/index.ts";
import { shortId } from "./identity.ts";
import type { Log } from "./log.ts";
import type { Channel } from "./transport.ts";
import type { WebRtcTransport } from "./webrtc-transport.ts";

export interface DiallerOptions {
  readonly transport: Pick<WebRtcTransport, "abandon" | "dial" | "handleSignal" | "has">;
  /** Sends a signal by the tracker; false when that is not there. */
  readonly sendByTracker: (peer: string, signal: Signal) => boolean;
  /** Takes a channel that a dial opened. */
  readonly attach: (channel: Channel) => void;
  readonly input: (input: Input) => void;
  readonly log: Log;
}

/** Makes the connections that the machine asks for. Signals go by the tracker, or through a neighbour. */
export class Dialler {
  readonly #options: DiallerOptions;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** Connects as a "dial" output says, or tells the machine that it cannot. */
  async dial({ peer, via }: Extract<Output, { kind: "dial" }>): Promise<void> {
    const { transport, attach, input, log } = this.#options;
    if (transport.has(peer)) return; // The peer dials us just now.
    try {
      attach(await transport.dial(peer, via));
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      log.info({ neighbour: shortId(peer), code }, "could not connect");
      input({ kind: "undialable", peer });
    }
  }

  /** Carries a signal of the transport to `peer`. */
  send(peer: string, signal: Signal, via: string | undefined): void {
    const { transport, sendByTracker, input } = this.#options;
    if (via === undefined) {
      const isSent = sendByTracker(peer, signal);
      if (!isSent && signal.kind === "description") transport.abandon(peer);
      return;
    }
    const payload = utf8(JSON.stringify(signal));
    if (payload.length <= RELAY_BYTES_MAX) input({ kind: "signal", peer, via, payload });
  }

  /** Takes a "signal" output: signalling that a neighbour carried. What cannot be read is dropped. */
  relayed({ peer, via, payload }: Extract<Output, { kind: "signal" }>): void {
    const { transport, log } = this.#options;
    try {
      transport.handleSignal(peer, parseSignal(new TextDecoder().decode(payload)), via);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      log.info({ neighbour: shortId(via), code: errorCode(error) }, "relayed signal not read");
    }
  }
}
