import type { Connection, ConnectionEvents, Connector } from "./connection.ts";
import type { ConnectionNews, ConnectorNews, ConnectorOrder } from "./connection-messages.ts";

/**
 * Connections that another thread makes for this one: a `ConnectionHost` at the other end of `port`. A
 * browser has RTCPeerConnection in pages only, and a mesh is better off in a worker.
 */
export function createPortConnector(port: MessagePort): Connector {
  const connections = new Map<number, PortConnection>();
  let count = 0;
  const post = (order: ConnectorOrder, transfer: Transferable[] = []): void => {
    port.postMessage(order, transfer);
  };
  port.onmessage = ({ data }: MessageEvent<ConnectorNews>) => {
    connections.get(data.connection)?.hear(data);
  };
  return {
    useIceServers: (servers) => post({ kind: "iceServers", servers }),
    connect: (options, events) => {
      const connection = count++;
      post({ kind: "connect", connection, options });
      const made = new PortConnection(connection, events, {
        post,
        onClosed: () => connections.delete(connection),
      });
      connections.set(connection, made);
      return made;
    },
    release: () => {
      post({ kind: "release" });
      port.close();
    },
  };
}

interface PortConnectionPorts {
  readonly post: (order: ConnectorOrder, transfer?: Transferable[]) => void;
  readonly onClosed: () => void;
}

class PortConnection implements Connection {
  readonly #connection: number;
  readonly #events: ConnectionEvents;
  readonly #ports: PortConnectionPorts;
  /** Messages of the running task: they cross together. */
  #outbox: Uint8Array<ArrayBuffer>[] = [];
  #sentBytes = 0;
  /** What the other thread said last of its queue. */
  #takenBytes = 0;
  #bufferedAmount = 0;
  #isClosed = false;

  constructor(connection: number, events: ConnectionEvents, ports: PortConnectionPorts) {
    this.#connection = connection;
    this.#events = events;
    this.#ports = ports;
  }

  /** What waits there, and what is on the way. */
  get bufferedAmount(): number {
    return this.#bufferedAmount + this.#sentBytes - this.#takenBytes;
  }

  applyDescription(sdpType: "offer" | "answer", sdp: string): void {
    this.#ports.post({ kind: "description", connection: this.#connection, sdpType, sdp });
  }

  addCandidate(candidate: string, mid: string): void {
    this.#ports.post({ kind: "candidate", connection: this.#connection, candidate, mid });
  }

  send(bytes: Uint8Array): void {
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push(bytes.slice()); // The caller keeps its own; this one is given away.
    this.#sentBytes += bytes.length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#ports.post({ kind: "close", connection: this.#connection });
    this.#ports.onClosed();
  }

  hear({ news, takenBytes, bufferedAmount }: ConnectorNews): void {
    this.#takenBytes = takenBytes;
    this.#bufferedAmount = bufferedAmount;
    this.#tell(news);
  }

  #tell(news: ConnectionNews): void {
    switch (news.kind) {
      case "description":
        this.#events.description(news.sdpType, news.sdp);
        break;
      case "candidate":
        this.#events.candidate(news.candidate, news.mid);
        break;
      case "open":
        this.#events.open(news.label, news.messageByteLengthMax);
        break;
      case "message":
        this.#events.message(news.message);
        break;
      case "taken":
        break;
      case "drained":
        this.#events.drained();
        break;
      case "failed":
        this.#events.failed(news.cause);
        break;
      default:
        news satisfies never;
    }
  }

  #flush(): void {
    if (this.#isClosed || this.#outbox.length === 0) return;
    const messages = this.#outbox;
    this.#outbox = [];
    this.#ports.post(
      { kind: "send", connection: this.#connection, messages },
      messages.map(({ buffer }) => buffer),
    );
  }
}
