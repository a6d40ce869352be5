import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import {
  assert,
  fromBase64Url,
  type Introduction,
  nobleCrypto,
  parseClientMessage,
  type TrackerToPeer,
  trackerProofMessage,
} from "../core/index.ts";
import { createIdentity } from "./identity.ts";
import { JoinPermits } from "./join-permits.ts";
import { nodePlatform } from "./node/index.ts";
import { TrackerClient } from "./tracker-client.ts";

const identity = createIdentity(nobleCrypto);
const JOINED: TrackerToPeer = { type: "joined", peer: identity.id, iceServers: [], neighbours: [] };

type Answer = { readonly status: number; readonly body: object };

/** Answers token requests and WebSockets as a test wants. */
class ScriptedTracker {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly requests: object[] = [];
  tokenLifeMs = 300_000;
  refusal: Answer | undefined;
  /** What a good join is answered with. */
  onJoin: (socket: WebSocket) => void = (socket) => socket.send(JSON.stringify(JOINED));
  /** The tokens of the joins. */
  readonly tokens: string[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      request.setEncoding("utf8").once("data", (text: string) => {
        this.requests.push({
          path: request.url,
          key: request.headers.authorization,
          ...JSON.parse(text),
        });
        const { status, body } = this.refusal ?? { status: 201, body: this.#permit() };
        response.writeHead(status).end(JSON.stringify(body));
      });
    });
    this.#sockets = new WebSocketServer({ server: this.#server, path: "/api/v1/tracker" });
    this.#sockets.on("connection", (socket) => this.#welcome(socket));
  }

  async listen(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** When that many joins have come. */
  joined(count: number): Promise<void> {
    return eventually(() => this.tokens.length >= count);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #permit(): object {
    return {
      token: `token ${this.requests.length}`,
      expiresAt: new Date(Date.now() + this.tokenLifeMs).toISOString(),
      jwks: { keys: [] },
    };
  }

  #welcome(socket: WebSocket): void {
    const nonce = `nonce ${this.tokens.length}`;
    socket.send(JSON.stringify({ type: "challenge", nonce }));
    socket.on("message", (data) => {
      const message = parseClientMessage(data.toString());
      if (message.type !== "join") return;
      const proof = fromBase64Url(message.proof);
      const isProven = nobleCrypto.verify(
        proof,
        trackerProofMessage(nonce),
        fromBase64Url(identity.id),
      );
      if (!isProven) {
        socket.close();
        return;
      }
      this.tokens.push(message.token);
      this.onJoin(socket);
    });
  }
}

/** A scripted tracker, a client of it, and what the client tells. */
class World {
  readonly tracker: ScriptedTracker;
  readonly seen: unknown[] = [];
  readonly introduced: Introduction[] = [];
  readonly client: TrackerClient;
  readonly running: Promise<void>;
  readonly #stop = new AbortController();

  private constructor(apiUrl: string, tracker: ScriptedTracker) {
    this.tracker = tracker;
    this.client = new TrackerClient({
      platform: nodePlatform(),
      permits: new JoinPermits({
        apiUrl,
        stream: "demo",
        peer: identity.id,
        role: "viewer",
        apiKey: "key",
        platform: nodePlatform(),
      }),
      identity,
      log: pino({ level: "silent" }),
      events: {
        joined: ({ peer }) => this.seen.push({ joined: peer }),
        introduced: (neighbours) => this.introduced.push(...neighbours),
        signal: (peer, signal) => this.seen.push({ peer, signal }),
        left: (peer) => this.seen.push({ left: peer }),
        revoked: (revocation) => this.seen.push({ revocation }),
      },
    });
    this.running = this.client.run(this.#stop.signal);
    this.running.catch(() => undefined);
  }

  /** Starts a client of a tracker that a test has prepared. */
  static async start(tracker: ScriptedTracker): Promise<World> {
    return new World(await tracker.listen(), tracker);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.running]);
    await this.tracker.close();
  }
}

describe("TrackerClient", () => {
  let tracker: ScriptedTracker;
  let world: World | undefined;
  const start = async (): Promise<World> => {
    world = await World.start(tracker);
    return world;
  };
  beforeEach(() => {
    tracker = new ScriptedTracker();
  });
  afterEach(async () => {
    await world?.stop();
  });

  test("asks for a token, proves its key and joins", async () => {
    const { client, seen } = await start();
    await tracker.joined(1);
    await eventually(() => client.isJoined);
    expect(seen).toEqual([{ joined: identity.id }]);
    const path = "/api/v1/streams/demo/tokens";
    const request = { path, key: "Bearer key", publicKey: identity.id, role: "viewer" };
    expect(tracker.requests).toEqual([request]);
  });

  test("comes back after a lost connection, with the token it has", async () => {
    tracker.onJoin = (socket) => socket.terminate();
    await start();
    await tracker.joined(3);
    expect(tracker.tokens).toEqual(["token 1", "token 1", "token 1"]);
  });

  test("gets a fresh token when its own has expired", async () => {
    tracker.onJoin = (socket) => {
      socket.send(JSON.stringify({ type: "error", code: "token-expired", detail: "Too old." }));
      socket.close();
    };
    await start();
    await tracker.joined(2);
    expect(tracker.tokens).toEqual(["token 1", "token 2"]);
  });

  test("renews a token before its life ends", async () => {
    tracker.tokenLifeMs = 1;
    tracker.onJoin = (socket) => socket.terminate();
    await start();
    await tracker.joined(2);
    expect(tracker.tokens).toEqual(["token 1", "token 2"]);
  });

  test("passes on introductions, signals and departures, and ends a connection that talks nonsense", async () => {
    const signal = { kind: "candidate", candidate: "candidate:1", mid: "0" };
    const bob: Introduction = { peer: "bob", role: "viewer" };
    const carol: Introduction = { peer: "carol", role: "seed" };
    const messages = [
      { ...JOINED, neighbours: [bob] },
      { type: "peers", neighbours: [carol] },
      { type: "signal", peer: "bob", signal },
      { type: "left", peer: "bob" },
    ];
    tracker.onJoin = (socket) => {
      for (const message of messages) socket.send(JSON.stringify(message));
      socket.send("nonsense");
    };
    const { introduced, seen } = await start();
    await tracker.joined(2);
    expect(introduced.slice(0, 2)).toEqual([bob, carol]);
    const told = [{ joined: identity.id }, { peer: "bob", signal }, { left: "bob" }];
    expect(seen.slice(0, 3)).toEqual(told);
  });

  test("gives up for a stream that does not exist", async () => {
    const body = { code: "stream-not-found", detail: "There is no such stream." };
    tracker.refusal = { status: 404, body };
    const { running } = await start();
    await expect(running).rejects.toMatchObject({ code: "stream-not-found" });
  });

  test("keeps trying while the API is in trouble", async () => {
    tracker.refusal = { status: 502, body: {} };
    await start();
    await eventually(() => tracker.requests.length >= 2);
    tracker.refusal = undefined;
    await tracker.joined(1);
    expect(tracker.tokens).toHaveLength(1);
  });

  test("sends nothing while it is not joined", async () => {
    const signal = { kind: "candidate", candidate: "c", mid: "0" } as const;
    const { client } = await start();
    expect(client.send({ type: "signal", peer: "bob", signal })).toBe(false);
  });
});

async function eventually(isTrue: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!isTrue()) {
    assert(performance.now() < deadlineMs, "what is waited for happens within 20 s");
    await delay(10);
  }
}
