import type { Connection, Connector } from "./connection.ts";
import type { ConnectionNews, ConnectorNews, ConnectorOrder } from "./connection-messages.ts";

/** A connection, and how many bytes it was ever given to send. */
interface Hosted {
  readonly connection: Connection;
  takenBytes: number;
}

/** The connections of a port connector in another thread: they live here, by `connector`. */
export class ConnectionHost {
  readonly #port: MessagePort;
  readonly #connector: Connector;
  readonly #hosted = new Map<number, Hosted>();

  constructor(port: MessagePort, connector: Connector) {
    this.#port = port;
    this.#connector = connector;
    port.onmessage = ({ data }: MessageEvent<ConnectorOrder>) => this.#obey(data);
  }

  /** Sends one last message to all who are connected. */
  sendToAll(bytes: Uint8Array): void {
    for (const hosted of this.#hosted.values()) {
      try {
        this.#send(hosted, [bytes]);
      } catch {
        // It is not open yet, or not any more.
      }
    }
  }

  /** Frees all connections at once, whatever the other thread does. */
  close(): void {
    for (const { connection } of this.#hosted.values()) connection.close();
    this.#hosted.clear();
    this.#port.close();
  }

  #obey(order: ConnectorOrder): void {
    if (order.kind === "iceServers") this.#connector.useIceServers(order.servers);
    else if (order.kind === "release") {
      this.#connector.release();
      this.#port.close();
    } else {
      try {
        this.#serve(order);
      } catch (cause) {
        this.#tell(order.connection, { kind: "failed", cause: String(cause) });
      }
    }
  }

  #serve(order: Extract<ConnectorOrder, { readonly connection: number }>): void {
    if (order.kind === "connect") {
      this.#connect(order);
      return;
    }
    const hosted = this.#hosted.get(order.connection);
    if (hosted === undefined) return;
    const { connection } = hosted;
    if (order.kind === "description") connection.applyDescription(order.sdpType, order.sdp);
    else if (order.kind === "candidate") connection.addCandidate(order.candidate, order.mid);
    else if (order.kind === "send") {
      this.#send(hosted, order.messages);
      this.#tell(order.connection, { kind: "taken" });
    } else {
      this.#hosted.delete(order.connection);
      connection.close();
    }
  }

  #connect({ connection: id, options }: Extract<ConnectorOrder, { kind: "connect" }>): void {
    const tell = (news: ConnectionNews, transfer?: Transferable[]): void => {
      this.#tell(id, news, transfer);
    };
    const connection = this.#connector.connect(options, {
      description: (sdpType, sdp) => tell({ kind: "description", sdpType, sdp }),
      candidate: (candidate, mid) => tell({ kind: "candidate", candidate, mid }),
      open: (label, messageByteLengthMax) => tell({ kind: "open", label, messageByteLengthMax }),
      message: (message) => tell({ kind: "message", message }, transferOf(message)),
      drained: () => tell({ kind: "drained" }),
      failed: (cause) => tell({ kind: "failed", cause: String(cause) }),
    });
    this.#hosted.set(id, { connection, takenBytes: 0 });
  }

  #send(hosted: Hosted, messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      hosted.connection.send(message);
      hosted.takenBytes += message.length;
    }
  }

  #tell(id: number, news: ConnectionNews, transfer: Transferable[] = []): void {
    const hosted = this.#hosted.get(id);
    const told: ConnectorNews = {
      connection: id,
      news,
      takenBytes: hosted?.takenBytes ?? 0,
      bufferedAmount: hosted?.connection.bufferedAmount ?? 0,
    };
    this.#port.postMessage(told, transfer);
  }
}

/** A message that is all of its buffer crosses without a copy. */
function transferOf(message: Uint8Array | string): Transferable[] {
  if (typeof message === "string" || !(message.buffer instanceof ArrayBuffer)) return [];
  return message.length === message.buffer.byteLength ? [message.buffer] : [];
}
