import { pino } from "pino";
import {
  decodeMessage,
  encodeMessage,
  equalBytes,
  instantMs,
  type Message,
} from "../core/index.ts";
import { uploadBudget } from "../mesh/index.ts";
import { type Channel, createIdentity, MeshSession } from "../peer/index.ts";
import { nodePlatform } from "../peer/node/index.ts";
import type { OriginProcess } from "./origin-process.ts";

/** Changes what a peer sends: each message becomes none, one or several others. */
export type Lie = (message: Message) => readonly Message[];

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

  static async join(origin: OriginProcess, lie: Lie): Promise<HostilePeer> {
    const platform = nodePlatform();
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
      attach(lyingChannel(channel, lie, victims), isInitiator);
    };
    return new HostilePeer(session, identity.id, victims);
  }

  /** Blocks that it got itself, and so has to offer. */
  get blocks(): number {
    return this.#session.driver.mesh.stats.blocks;
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

function lyingChannel(channel: Channel, lie: Lie, victims: Map<string, Victim>): Channel {
  const { peer } = channel;
  const send = channel.send.bind(channel);
  channel.send = (bytes) => {
    const told = lie(decodeMessage(bytes)).map((message) => encodeMessage(message));
    const isLie = told.length !== 1 || !told.every((message) => equalBytes(message, bytes));
    if (isLie && !victims.has(peer)) victims.set(peer, { liedToAtMs: Date.now() });
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
