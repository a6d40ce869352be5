import { type IceServer, type Signal, StarlingError } from "../core/index.ts";
import type { Connector } from "./connection.ts";
import type { Channel, Transport } from "./transport.ts";
import { WebRtcChannel } from "./webrtc-channel.ts";

const CONNECTIONS_MAX = 256;
const RELAYED_ANSWERS_MAX = 16;

export interface WebRtcTransportOptions {
  /** Our own peer id: it decides which of two crossing offers holds. */
  readonly self: string;
  /** Carries a signal to a peer, through the neighbour `via` or by the tracker. May lose it. */
  readonly sendSignal: (peer: string, signal: Signal, via: string | undefined) => void;
  /** A peer has opened a channel to us. */
  readonly onChannel: (channel: Channel) => void;
  /** Connections at a time, open or not. Default 256. */
  readonly connectionsMax?: number | undefined;
  /** Offers through neighbours that are answered at a time: anybody may relay anything. Default 16; 0: none is. */
  readonly relayedAnswersMax?: number | undefined;
  /** Default CONNECT_TIMEOUT_MS. */
  readonly connectTimeoutMs?: number | undefined;
  /** What this transport connects by; it is released at the end. */
  readonly connector: Connector;
}

/** WebRTC data channels: one connection per peer, trickle ICE. */
export class WebRtcTransport implements Transport {
  readonly #options: WebRtcTransportOptions;
  readonly #channels = new Map<string, WebRtcChannel>();
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: WebRtcTransportOptions) {
    this.#options = options;
  }

  /** The STUN and TURN servers of connections made from now on. */
  useIceServers(servers: readonly IceServer[]): void {
    this.#options.connector.useIceServers(servers);
  }

  has(peer: string): boolean {
    return this.#channels.has(peer);
  }

  async dial(peer: string, via?: string): Promise<Channel> {
    if (this.has(peer)) throw refused("transport-duplicate", "There is a channel already.");
    if (this.#closed) throw refused("transport-closed", "The transport is closed.");
    if (this.#isFull()) {
      throw refused("transport-limit", "Too many connections: close one or raise the limit.");
    }
    const channel = this.#connect(peer, true, via);
    await channel.opened;
    return channel;
  }

  /**
   * Takes a signal that `peer` sent to us, through the neighbour `via` or by the tracker. One that fits
   * nothing is dropped.
   */
  handleSignal(peer: string, signal: Signal, via?: string): void {
    if (this.#closed) return;
    const current = this.#channels.get(peer);
    if (signal.kind === "description" && signal.sdpType === "offer") {
      this.#answer(peer, signal, via);
    } else if (current?.via === via) current?.handleSignal(signal);
  }

  abandon(peer: string): void {
    const channel = this.#channels.get(peer);
    if (channel?.state === "connecting") channel.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const channel of [...this.#channels.values()]) channel.close();
    await Promise.all(this.#ending);
    this.#options.connector.release();
  }

  #answer(peer: string, offer: Signal, via: string | undefined): void {
    const current = this.#channels.get(peer);
    const isCrossing = current?.offering === true && current.state === "connecting";
    if (isCrossing && this.#options.self < peer) return; // Our own offer holds, at both ends.
    // A neighbour may make an offer up: it must not end a connection.
    if (via !== undefined && current?.state === "open") return;
    current?.close(); // A peer that offers again has lost its end of the old connection.
    if (this.#isFull() || (via !== undefined && this.#isFullOfRelayed())) return;
    const channel = this.#connect(peer, false, via);
    channel.handleSignal(offer);
    channel.opened.then(
      () => this.#options.onChannel(channel),
      () => undefined, // A peer that does not get through tries again, or not.
    );
  }

  #connect(peer: string, offering: boolean, via: string | undefined): WebRtcChannel {
    const channel = new WebRtcChannel({
      ...{ peer, offering, via },
      connector: this.#options.connector,
      sendSignal: (signal) => this.#options.sendSignal(peer, signal, via),
      connectTimeoutMs: this.#options.connectTimeoutMs,
      onClosed: () => {
        if (this.#channels.get(peer) === channel) this.#channels.delete(peer);
      },
    });
    this.#channels.set(peer, channel);
    const finished = channel.finished.finally(() => this.#ending.delete(finished));
    this.#ending.add(finished);
    return channel;
  }

  #isFullOfRelayed(): boolean {
    const relayed = [...this.#channels.values()].filter(
      ({ via, offering, state }) => via !== undefined && !offering && state === "connecting",
    );
    return relayed.length >= (this.#options.relayedAnswersMax ?? RELAYED_ANSWERS_MAX);
  }

  #isFull(): boolean {
    return this.#ending.size >= (this.#options.connectionsMax ?? CONNECTIONS_MAX);
  }
}

function refused(code: string, message: string): StarlingError {
  return new StarlingError(code, message);
}
