import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { TrackerToPeer } from "../core/index.ts";
import type { Standing } from "./peer-directory.ts";

/** What one API process asks of another: to pass a message to a connection, or to end the connection. */
export type Delivery =
  | {
      readonly kind: "message";
      readonly connection: string;
      readonly message: TrackerToPeer;
      /** Of the peer that the message is of. */
      readonly standing: Standing;
    }
  | { readonly kind: "replaced" | "revoked"; readonly connection: string };

/** A message to all peers of a stream, wherever they are connected. */
export interface Announcement {
  readonly kind: "announcement";
  readonly stream: string;
  readonly message: TrackerToPeer;
}

const ALL = "starling:tracker:post";

/** Carries deliveries between API processes: one Redis channel per process, and one of all. */
export class PeerPost {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #instance: string;

  /** `instance` names this API process and has no space in it. */
  constructor(redis: Redis, instance: string) {
    this.#redis = redis;
    this.#subscriber = redis.duplicate();
    this.#instance = instance;
  }

  /** Opens this process's letter box. Deliveries of one sender come in order. */
  async open(log: Logger, receive: (post: Delivery | Announcement) => void): Promise<void> {
    this.#subscriber.on("error", (error) => log.warn({ err: error }, "Redis subscription broken"));
    this.#subscriber.on("message", (_channel, text) =>
      receive(JSON.parse(text) as Delivery | Announcement),
    );
    await this.#subscriber.subscribe(channelOf(this.#instance), ALL);
  }

  /** A connection name of this process: "<instance> <number>". */
  connectionName(serial: number): string {
    return `${this.#instance} ${serial}`;
  }

  isHere(connection: string): boolean {
    return connection.startsWith(`${this.#instance} `);
  }

  async send(delivery: Delivery): Promise<void> {
    const [instance = ""] = delivery.connection.split(" ");
    await this.#redis.publish(channelOf(instance), JSON.stringify(delivery));
  }

  /** Sends to all processes, this one as well. */
  async announce(announcement: Announcement): Promise<void> {
    await this.#redis.publish(ALL, JSON.stringify(announcement));
  }

  close(): void {
    this.#subscriber.disconnect();
  }
}

function channelOf(instance: string): string {
  return `starling:tracker:post:${instance}`;
}
