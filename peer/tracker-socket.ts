/** What happens on a tracker's WebSocket. */
export interface TrackerSocketEvents {
  /** A text message. */
  message(text: string): void;
  /** A sign of life that is no message. */
  alive(): void;
  /** The socket is gone, or never opened. Told once, and last. */
  closed(error: Error | undefined): void;
}

/** A WebSocket that is open or about to be. */
export interface TrackerSocket {
  /** Sends a text, if the socket is open. */
  send(text: string): void;
  /** Closes as the protocol wants it; `closed` follows. */
  close(): void;
  /** Gives up a socket that does not answer; `closed` follows at once. */
  terminate(): void;
}

export type OpenTrackerSocket = (url: string, events: TrackerSocketEvents) => TrackerSocket;
