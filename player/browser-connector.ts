import type { IceServer } from "../core/index.ts";
import {
  CHANNEL_LABEL,
  type Connection,
  type ConnectionEvents,
  type Connector,
  DRAINED_BYTES,
} from "../peer/index.ts";

export interface BrowserConnectorOptions {
  /** Connect through TURN servers only, so that no peer learns the viewer's address. */
  readonly relayOnly?: boolean | undefined;
}

/** Connections by RTCPeerConnection. */
export function createBrowserConnector({ relayOnly = false }: BrowserConnectorOptions): Connector {
  let iceServers: readonly IceServer[] = [];
  return {
    useIceServers: (servers) => {
      iceServers = servers;
    },
    connect: ({ offering }, events) => {
      const connection = new RTCPeerConnection({
        iceServers: [...iceServers],
        iceTransportPolicy: relayOnly ? "relay" : "all",
      });
      return new BrowserConnection(connection, offering, events);
    },
    release: () => undefined,
  };
}

class BrowserConnection implements Connection {
  readonly #connection: RTCPeerConnection;
  readonly #events: ConnectionEvents;
  #channel: RTCDataChannel | undefined;
  #isClosed = false;

  constructor(connection: RTCPeerConnection, offering: boolean, events: ConnectionEvents) {
    this.#connection = connection;
    this.#events = events;
    this.#observe(offering);
    if (!offering) return;
    this.#adopt(connection.createDataChannel(CHANNEL_LABEL, { ordered: false }));
    void this.#negotiate(() => this.#describe());
  }

  get bufferedAmount(): number {
    return this.#channel?.bufferedAmount ?? 0;
  }

  applyDescription(type: "offer" | "answer", sdp: string): void {
    void this.#negotiate(async () => {
      await this.#connection.setRemoteDescription({ type, sdp });
      if (type === "offer") await this.#describe();
    });
  }

  addCandidate(candidate: string, sdpMid: string): void {
    // An address that the browser cannot read is one way less to reach the peer, no more.
    this.#connection.addIceCandidate({ candidate, sdpMid }).catch(() => undefined);
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    channel.send(bytes);
    this.#expectDrain(channel);
  }

  close(): void {
    this.#isClosed = true;
    this.#connection.close();
  }

  /** Makes our own side of the exchange and tells it. */
  async #describe(): Promise<void> {
    await this.#connection.setLocalDescription();
    const { type, sdp } = this.#connection.localDescription ?? {};
    if (this.#isClosed || sdp === undefined || (type !== "offer" && type !== "answer")) return;
    this.#events.description(type, sdp);
  }

  async #negotiate(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #observe(offering: boolean): void {
    const connection = this.#connection;
    connection.onicecandidate = ({ candidate }) => {
      if (this.#isClosed || !candidate?.candidate) return;
      this.#events.candidate(candidate.candidate, candidate.sdpMid ?? "0");
    };
    // "disconnected" may heal; a neighbour that stays silent is cut by the mesh itself.
    connection.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(connection.connectionState)) this.#fail();
    };
    connection.ondatachannel = ({ channel }) => {
      if (!offering && this.#channel === undefined) this.#adopt(channel);
      else channel.close();
    };
  }

  #adopt(channel: RTCDataChannel): void {
    this.#channel = channel;
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (!this.#isClosed) {
        this.#events.message(typeof data === "string" ? data : new Uint8Array(data));
      }
    };
    channel.onbufferedamountlow = () => {
      if (this.#isClosed) return;
      this.#expectDrain(channel);
      this.#events.drained();
    };
    channel.onclose = () => this.#fail();
    const open = (): void => {
      const { sctp } = this.#connection;
      if (!this.#isClosed) this.#events.open(channel.label, sctp?.maxMessageSize ?? 0);
    };
    if (channel.readyState === "open") open();
    else channel.onopen = open;
  }

  /**
   * A browser counts a message as waiting until it has heard that it left, and tells only of a queue that falls
   * to the threshold from above it: a short one must be heard of when it is empty.
   */
  #expectDrain(channel: RTCDataChannel): void {
    const isShort = channel.bufferedAmount <= DRAINED_BYTES;
    channel.bufferedAmountLowThreshold = isShort ? 0 : DRAINED_BYTES;
  }

  #fail(cause?: unknown): void {
    if (!this.#isClosed) this.#events.failed(cause);
  }
}
