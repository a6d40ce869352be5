import { type DataChannel, type IceServer, PeerConnection } from "node-datachannel";
import {
  CHANNEL_LABEL,
  type Connection,
  type ConnectionEvents,
  type ConnectionOptions,
  type Connector,
  DRAINED_BYTES,
} from "../index.ts";
import { libraryIceServers } from "./ice-servers.ts";
import { acquireWebRtc, guarded, releaseWebRtc } from "./webrtc-library.ts";

const RECEIVED_BYTES_MAX = 128 * 1024;

export interface NodeConnectorOptions {
  /** The one local address to use. By default all of them. */
  readonly bindAddress?: string | undefined;
}

/** Connections by libdatachannel. */
export function createNodeConnector({ bindAddress }: NodeConnectorOptions = {}): Connector {
  let iceServers: (string | IceServer)[] = [];
  acquireWebRtc();
  return {
    useIceServers: (servers) => {
      iceServers = libraryIceServers(servers);
    },
    connect: (options, events) => {
      const configuration = {
        iceServers,
        maxMessageSize: RECEIVED_BYTES_MAX,
        ...(bindAddress === undefined ? {} : { bindAddress }),
      };
      return new NodeConnection(new PeerConnection(options.name, configuration), options, events);
    },
    release: releaseWebRtc,
  };
}

class NodeConnection implements Connection {
  readonly #connection: PeerConnection;
  readonly #events: ConnectionEvents;
  #channel: DataChannel | undefined;

  constructor(
    connection: PeerConnection,
    { offering }: ConnectionOptions,
    events: ConnectionEvents,
  ) {
    this.#connection = connection;
    this.#events = events;
    this.#observe(offering);
    if (offering) this.#adopt(connection.createDataChannel(CHANNEL_LABEL, { unordered: true }));
  }

  get bufferedAmount(): number {
    return this.#channel?.bufferedAmount() ?? 0;
  }

  applyDescription(sdpType: "offer" | "answer", sdp: string): void {
    this.#connection.setRemoteDescription(sdp, sdpType);
  }

  addCandidate(candidate: string, mid: string): void {
    try {
      this.#connection.addRemoteCandidate(candidate, mid);
    } catch {
      // An address that the library cannot read is one way less to reach the peer, no more.
    }
  }

  send(bytes: Uint8Array): void {
    this.#channel?.sendMessageBinary(bytes);
  }

  close(): void {
    this.#connection.close();
  }

  #observe(offering: boolean): void {
    this.#connection.onLocalDescription(
      guarded((sdp, type) => {
        if (type === "offer" || type === "answer") this.#events.description(type, sdp);
      }),
    );
    this.#connection.onLocalCandidate(
      guarded((candidate, mid) => this.#events.candidate(candidate.replace(/^a=/, ""), mid)),
    );
    this.#connection.onStateChange(
      guarded((state) => {
        if (state !== "failed" && state !== "disconnected" && state !== "closed") return;
        // Messages that came before are delivered first.
        setImmediate(() => this.#events.failed());
      }),
    );
    this.#connection.onDataChannel(
      guarded((channel) => {
        if (!offering && this.#channel === undefined) this.#adopt(channel);
        else channel.close();
      }),
    );
  }

  #adopt(channel: DataChannel): void {
    this.#channel = channel;
    channel.setBufferedAmountLowThreshold(DRAINED_BYTES);
    // When several events wait, the library delivers them by kind, in the order of registration:
    // the last messages before the end.
    channel.onMessage(guarded((message) => this.#events.message(plainMessage(message))));
    channel.onBufferedAmountLow(guarded(() => this.#events.drained()));
    channel.onClosed(guarded(() => this.#events.failed()));
    const open = (): void => this.#events.open(channel.getLabel(), channel.maxMessageSize());
    if (channel.isOpen()) open();
    else channel.onOpen(guarded(open));
  }
}

function plainMessage(message: string | Buffer | ArrayBuffer): string | Uint8Array {
  if (typeof message === "string") return message;
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  return new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
}
