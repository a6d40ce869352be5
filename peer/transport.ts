import { CHANNEL_QUEUE_BYTES_MAX } from "../mesh/index.ts";

/** What may wait on one channel. */
export const QUEUED_BYTES_MAX: number = CHANNEL_QUEUE_BYTES_MAX;

/** A channel is drained when no more than this waits on it: a symbol of the usual size. */
export const DRAINED_BYTES = 16 * 1024;

/** How long a connection may take from its first signal to an open channel. */
export const CONNECT_TIMEOUT_MS = 15_000;

/** What happens on a channel. */
export interface ChannelEvents {
  /** One whole message, as it was sent. The bytes belong to the receiver. */
  message(bytes: Uint8Array): void;
  /** The queue has fallen to DRAINED_BYTES. */
  drained(): void;
  /** The channel is gone, whoever closed it. Told once, and last. */
  closed(): void;
}

/** A reliable, unordered message channel to one peer. */
export interface Channel {
  /** The peer id at the other end, as the signalling named it: the mesh handshake proves it. */
  readonly peer: string;
  /** SHA-256 of our DTLS certificate on this connection: 32 bytes. */
  readonly localFingerprint: Uint8Array;
  /** SHA-256 of the other end's DTLS certificate: 32 bytes. */
  readonly remoteFingerprint: Uint8Array;
  /** Bytes that wait on this side. */
  readonly bufferedAmount: number;
  /** Starts the flow of events, once. Messages that came before are kept until then. */
  listen(events: ChannelEvents): void;
  /**
   * Queues one message. The caller keeps it at or below MESSAGE_BYTES_MAX of the core, and the queue with it
   * at or below QUEUED_BYTES_MAX: more is a bug. On a channel that has closed it does nothing.
   */
  send(bytes: Uint8Array): void;
  /** Sends what is queued, then closes. */
  close(): void;
}

/** A way to reach peers by their ids. */
export interface Transport {
  /**
   * Opens a channel to a peer that expects none from us yet. Signals go through the neighbour `via`;
   * undefined: by the tracker.
   * Throws StarlingError "transport-timeout" (no answer within CONNECT_TIMEOUT_MS),
   * "transport-failed", "transport-limit", "transport-duplicate" or "transport-closed".
   */
  dial(peer: string, via?: string): Promise<Channel>;
  /** Whether a channel to `peer` is open or on its way. */
  has(peer: string): boolean;
  /** Gives up a dial that has not been answered: the peer is known to be away. */
  abandon(peer: string): void;
  /** Closes every channel and frees what the transport holds. */
  close(): Promise<void>;
}
