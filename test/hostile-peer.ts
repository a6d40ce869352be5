import { pino } from "pino";
import {
  decodeMessage,
  encodeMessage,
  equalBytes,
  instantMs,
  type Message,
} from "../core/index.ts";
import { uploadBudget } from "../mesh/index.ts";
import {
  type Channel,
  type Connection,
  type Connector,
  createIdentity,
  MeshSession,
  type Platform,
} from "../peer/index.ts";
import { nodePlatform } from "../peer/node/index.ts";
import type { OriginProcess } from "./origin-process.ts";

/** Changes what a peer sends: each message becomes none, one or several others. */
export type Lie = (message: Message) => readonly Message[];

/** What is sent in the place of a peer's first message on a channel, its hello: bytes of any kind and length. */
export type Tampering = (hello: Uint8Array) => readonly Uint8Array[];

/** A peer that was lied to. */
export interface Victim {
  readonly liedToAtMs: number;
  goneAtMs?: number;
}

/** A peer with a good token that joins a stream's mesh, and then lies on every channel. */
export class HostilePeer {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #session: MeshSession;
  /** Its public key. */
  readonly id: string;
  /** Those it lied to: when first, and when they were gone, by Date.now(). */
  readonly victims: ReadonlyMap<string, Victim>;

  private constructor(session: MeshSession, id: string, victims: ReadonlyMap<string, Victim>) {
    this.#session = session;
    this.id = id;
    this.victims = victims;
    this.#running = session.run(this.#stop.signal);
  }

  static join(origin: OriginProcess, lie: Lie): Promise<HostilePeer> {
    return HostilePeer.#open(origin, nodePlatform(), lie);
  }

  /** A peer that does not keep to what a message is: with the hello it sends what `tampering` gives. */
  static tamper(origin: OriginProcess, tampering: Tampering): Promise<HostilePeer> {
    const platform = nodePlatform();
    const createConnector = (): Connector =>
      tamperingConnector(platform.createConnector(), tampering);
    // Each that is greeted counts as lied to.
    return HostilePeer.#open(
      origin,
      { ...platform, createConnector },
      (message) => [message],
      true,
    );
  }

  static async #open(
    origin: OriginProcess,
    platform: Platform,
    lie: Lie,
    isTampering = false,
  ): Promise<HostilePeer> {
    const identity = createIdentity(platform.crypto);
    const victims = new Map<string, Victim>();
    const session = await MeshSession.open({
      ...{ platform, identity },
      apiUrl: origin.httpUrl,
      stream: "main",
      role: "viewer",
      log: pino({ level: "silent" }),
      uploads: uploadBudget(instantMs(Date.now()), 10_000_000),
      limits: {
        perPeerUploadBytesPerS: 10_000_000,
        cacheBytesMax: 64 * 1024 * 1024,
        maxDelayMs: 10_000,
      },
      onOutput: () => undefined,
    });
    const { driver } = session;
    const attach = driver.attach.bind(driver);
    driver.attach = (channel, isInitiator) => {
      attach(lyingChannel(channel, lie, victims, isTampering), isInitiator);
    };
    return new HostilePeer(session, identity.id, victims);
  }

  /** Blocks that it got itself, and so has to offer. */
  get blocks(): number {
    return this.#session.driver.mesh.stats.blocks;
  }

  /** Its join token. */
  get token(): string {
    return this.#session.token;
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

function lyingChannel(
  channel: Channel,
  lie: Lie,
  victims: Map<string, Victim>,
  isTampering: boolean,
): Channel {
  const { peer } = channel;
  const send = channel.send.bind(channel);
  channel.send = (bytes) => {
    const told = lie(decodeMessage(bytes)).map((message) => encodeMessage(message));
    const isLie = told.length !== 1 || !told.every((message) => equalBytes(message, bytes));
    if ((isLie || isTampering) && !victims.has(peer)) victims.set(peer, { liedToAtMs: Date.now() });
    for (const message of told) send(message);
  };
  const listen = channel.listen.bind(channel);
  channel.listen = (events) => {
    const closed = (): void => {
      const victim = victims.get(peer);
      if (victim !== undefined) victim.goneAtMs ??= Date.now();
      events.closed();
    };
    listen({ ...events, closed });
  };
  return channel;
}

/** What the other end says of the longest message that it takes (RFC 8841 section 6). */
const MESSAGE_SIZE_LINE = /^a=max-message-size:\d+/gm;

/** Connections that send more than the hello, and whatever the other end says that it takes. */
function tamperingConnector(connector: Connector, tampering: Tampering): Connector {
  return {
    useIceServers: (servers) => connector.useIceServers(servers),
    release: () => connector.release(),
    connect: (options, events) => {
      const connection = connector.connect(options, events);
      let isGreeted = false;
      const send = (bytes: Uint8Array): void => {
        const sent = isGreeted ? [bytes] : tampering(bytes);
        isGreeted = true;
        for (const one of sent) connection.send(one);
      };
      return {
        get bufferedAmount() {
          return connection.bufferedAmount;
        },
        send,
        applyDescription: (sdpType, sdp) => {
          const greedy = sdp.replace(MESSAGE_SIZE_LINE, "a=max-message-size:16777216");
          connection.applyDescription(sdpType, greedy);
        },
        addCandidate: (candidate, mid) => connection.addCandidate(candidate, mid),
        close: () => connection.close(),
      } satisfies Connection;
    },
  };
}
