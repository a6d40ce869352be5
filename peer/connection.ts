import type { IceServer } from "../core/index.ts";

/** The name of the one data channel of a pair: the version of what is spoken on it. */
export const CHANNEL_LABEL = "starling/1";

/** What happens on a connection. Nothing is told once it was closed from here. */
export interface ConnectionEvents {
  /** Our own side of the offer/answer exchange. */
  description(sdpType: "offer" | "answer", sdp: string): void;
  candidate(candidate: string, mid: string): void;
  /** The data channel is open: its label, and the longest message that the other end takes. */
  open(label: string, messageByteLengthMax: number): void;
  /** One whole message; a text is one that the protocol does not have. */
  message(message: Uint8Array | string): void;
  /** The queue may have fallen to DRAINED_BYTES. */
  drained(): void;
  /** The connection or its channel is gone, or cannot be had. Messages that came before went before. */
  failed(cause?: unknown): void;
}

/** A peer connection with one reliable, unordered data channel, as the platform makes it. */
export interface Connection {
  /** Bytes that wait on this side. */
  readonly bufferedAmount: number;
  /** Takes the other end's description. What cannot be used is told by `failed`, or thrown. */
  applyDescription(sdpType: "offer" | "answer", sdp: string): void;
  /** Takes an address of the other end. One that cannot be used is dropped. */
  addCandidate(candidate: string, mid: string): void;
  /** Queues one message. Throws when the other end is gone and `failed` is still to come. */
  send(bytes: Uint8Array): void;
  /** Frees the connection; what is queued is lost. */
  close(): void;
}

export interface ConnectionOptions {
  /** True at the side that makes the offer, and the data channel. */
  readonly offering: boolean;
  /** A name for the logs of the platform. */
  readonly name: string;
}

/** Makes connections. */
export interface Connector {
  /** The STUN and TURN servers of connections made from now on. Throws StarlingError "transport-ice-server". */
  useIceServers(servers: readonly IceServer[]): void;
  connect(options: ConnectionOptions, events: ConnectionEvents): Connection;
  /** Frees what all connections share, after the last one was closed. */
  release(): void;
}
