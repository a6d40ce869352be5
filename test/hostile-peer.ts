import { pino } from "pino";
import { decodeMessage, encodeMessage, instantMs, type Message } from "../core/index.ts";
import { uploadBudget } from "../mesh/index.ts";
import { type Channel, MeshSession } from "../peer/index.ts";
import { nodePlatform } from "../peer/node/index.ts";
import type { OriginProcess } from "./origin-process.ts";

/** Changes what a peer sends: each message becomes none, one or several others. */
export type Lie = (message: Message) => readonly Message[];

/** A peer with a good token that joins a stream's mesh, and then lies on every channel. */
export class HostilePeer {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #session: MeshSession;

  private constructor(session: MeshSession) {
    this.#session = session;
    this.#running = session.run(this.#stop.signal);
  }

  static async join(origin: OriginProcess, lie: Lie): Promise<HostilePeer> {
    const session = await MeshSession.open({
      platform: nodePlatform(),
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
    driver.attach = (channel, isInitiator) => attach(lyingChannel(channel, lie), isInitiator);
    return new HostilePeer(session);
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

function lyingChannel(channel: Channel, lie: Lie): Channel {
  const send = channel.send.bind(channel);
  channel.send = (bytes) => {
    for (const message of lie(decodeMessage(bytes))) send(encodeMessage(message));
  };
  return channel;
}
