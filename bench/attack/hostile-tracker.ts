import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { Signal } from "../../core/index.ts";
import { type Channel, CONNECT_TIMEOUT_MS, WebRtcTransport } from "../../peer/index.ts";
import { nodePlatform } from "../../peer/node/index.ts";

/**
 * Stands before an origin: passes all HTTP on, and the tracker's messages too, but answers and makes each offer
 * itself, so that it ends DTLS towards both sides and carries what they say to each other.
 */
export class HostileTracker {
  readonly #server: Server;
  readonly #originUrl: string;
  readonly #transports = new Set<WebRtcTransport>();
  readonly #sockets = new Set<WebSocket>();
  /** Channels that it had on both sides at once. */
  bridged = 0;

  private constructor(server: Server, originUrl: string) {
    this.#server = server;
    this.#originUrl = originUrl;
    const sockets = new WebSocketServer({ noServer: true });
    server.on("request", (request, response) => void this.#forward(request, response));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      sockets.handleUpgrade(request, socket, head, (peer) => this.#between(peer));
    });
  }

  static async open(originUrl: string): Promise<HostileTracker> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new HostileTracker(server, originUrl);
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await Promise.all(Array.from(this.#transports, (transport) => transport.close()));
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await fetch(`${this.#originUrl}${request.url}`, {
        method: request.method ?? "GET",
        headers: { "Content-Type": request.headers["content-type"] ?? "application/json" },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      const body = Buffer.from(await answer.arrayBuffer());
      const type = answer.headers.get("Content-Type") ?? "application/octet-stream";
      response.writeHead(answer.status, { "Content-Type": type, "Content-Length": body.length });
      response.end(body);
    } catch {
      response.destroy();
    }
  }

  /** Joins a victim's socket and one to the tracker, but for the signals. */
  #between(victim: WebSocket): void {
    const tracker = new WebSocket(`${this.#originUrl.replace("http", "ws")}/api/v1/tracker`);
    const early: string[] = [];
    const toTracker = (text: string): void => {
      if (tracker.readyState === WebSocket.OPEN) tracker.send(text);
      else early.push(text);
    };
    tracker.on("open", () => {
      for (const text of early.splice(0)) tracker.send(text);
    });
    const near = this.#transport(
      (text) => victim.send(text),
      "near",
      (channel) => {
        void this.#bridge(channel, far);
      },
    );
    const far = this.#transport(toTracker, "far", (channel) => void this.#bridge(channel, near));
    victim.on("message", (data) => passOn(data, near, toTracker));
    tracker.on("message", (data) => passOn(data, far, (text) => victim.send(text)));
    for (const [socket, other] of [
      [victim, tracker],
      [tracker, victim],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => other.terminate());
    }
  }

  #transport(
    send: (text: string) => void,
    self: string,
    onChannel: (channel: Channel) => void,
  ): WebRtcTransport {
    const transport = new WebRtcTransport({
      self,
      connector: nodePlatform().createConnector(),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      sendSignal: (peer, signal) => send(JSON.stringify({ type: "signal", peer, signal })),
      onChannel,
    });
    this.#transports.add(transport);
    return transport;
  }

  /** Opens the same channel on the other side, and carries everything over, unchanged. */
  async #bridge(channel: Channel, side: WebRtcTransport): Promise<void> {
    const other = await side.dial(channel.peer).catch(() => undefined);
    if (other === undefined) {
      channel.close();
      return;
    }
    this.bridged += 1;
    for (const [from, to] of [
      [channel, other],
      [other, channel],
    ] as const) {
      from.listen({
        message: (bytes) => to.send(bytes),
        drained: () => undefined,
        closed: () => to.close(),
      });
    }
  }
}

function passOn(data: RawData, transport: WebRtcTransport, send: (text: string) => void): void {
  const text = String(data);
  const message = JSON.parse(text) as { type: string; peer: string; signal: Signal };
  if (message.type === "signal") transport.handleSignal(message.peer, message.signal);
  else send(text);
}
