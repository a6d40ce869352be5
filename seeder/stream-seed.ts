import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { type BlockId, blockKey, errorCode, INIT_PART, type TokenBucket } from "../core/index.ts";
import type { MeshLimits } from "../mesh/index.ts";
import { MeshSession, type Platform } from "../peer/index.ts";
import { LOG_START } from "../pipeline/index.ts";
import {
  type BlockEntry,
  initBlockOf,
  isFresh,
  type LoadedBlock,
  loadBlock,
  type Origin,
} from "./block-loader.ts";

/** Blocks of the past that a late seeder publishes: more than a newcomer is told of. */
const RECENT_BLOCKS = 16;
/** A manifest that ends sooner would be refused by the peers that get it. */
const FRESH_S = 10;
const PUBLISHED_REMEMBERED_MAX = 512;
const RETRY_MS = 1000;
const KEY_ATTEMPTS_MAX = 30;
const UNKNOWN_KEY = "manifest-unknown-key";

export interface StreamSeedOptions {
  readonly stream: string;
  readonly origin: Origin;
  readonly apiUrl: string;
  /** The origin's internal key: it lets this peer have the role "seed". */
  readonly apiKey: string;
  /** What this process sends in all, shared by its streams. */
  readonly uploads: TokenBucket;
  readonly limits: MeshLimits;
  /** As of the transport. */
  readonly connectionsMax: number;
  readonly relayedAnswersMax: number | undefined;
  readonly platform: Platform;
  readonly log: Logger;
}

export interface StreamSeedStats {
  readonly peers: number;
  readonly blocksPublished: number;
  readonly bytesSent: number;
}

/** The seed peer of one stream: publishes each block of the manifest log into the mesh. */
export class StreamSeed {
  readonly #options: StreamSeedOptions;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** Keys of blocks that are in the mesh, or were: a block is published once. */
  readonly #published = new Set<string>();
  /** Keys of init segments whose media are in the mesh already. */
  readonly #awaitedInits = new Set<string>();
  #session: MeshSession | undefined;
  #blocksPublished = 0;

  constructor(options: StreamSeedOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  get stats(): StreamSeedStats {
    const mesh = this.#session?.driver.mesh;
    return {
      peers: mesh?.neighbours.length ?? 0,
      blocksPublished: this.#blocksPublished,
      bytesSent: mesh?.stats.uploadedBytes ?? 0,
    };
  }

  /** Leaves the mesh. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Joins, and joins again after trouble, until it is closed. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#seed(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ code: errorCode(error), err: error }, "seeding broke off; trying again");
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #seed(signal: AbortSignal): Promise<void> {
    const { origin: _, ...options } = this.#options;
    const onOutput = (): void => undefined; // A seed peer plays nothing, and the driver logs the rest.
    const session = await MeshSession.open({ ...options, role: "seed", onOutput }, signal);
    this.#session = session;
    this.#published.clear();
    this.#awaitedInits.clear();
    // Either one ends the other: a peer without a log, or without a mesh, is of no use.
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const parts = [session.run(both), this.#follow(session, both)].map((part) =>
      part.finally(() => ended.abort()),
    );
    const failed = (await Promise.allSettled(parts)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  async #follow(session: MeshSession, signal: AbortSignal): Promise<void> {
    const { stream, origin, log } = this.#options;
    const recent = await origin.manifests.recent(stream, RECENT_BLOCKS);
    const fresh = recent.filter((entry) => isFresh(entry, session.now(), FRESH_S));
    for (const entry of fresh) await this.#take(session, entry, signal);
    log.info({ stream, blocks: this.#blocksPublished }, "seeding");
    const cursor = recent.at(-1)?.cursor ?? LOG_START;
    for await (const entry of origin.manifests.follow(stream, cursor, signal)) {
      await this.#take(session, entry, signal);
    }
  }

  /**
   * Publishes a media block together with its init segment, so that no peer that comes in between
   * is told of one without the other. What cannot be published is logged and passed over.
   */
  async #take(session: MeshSession, entry: BlockEntry, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const key = blockKey(entry.block);
    const isInit = entry.block.part === INIT_PART;
    if (this.#published.has(key) || (isInit && !this.#awaitedInits.delete(key))) return;
    try {
      await this.#publish(session, await this.#load(entry), signal);
    } catch (error) {
      const code = errorCode(error);
      if (signal.aborted) return;
      if (code === undefined) throw error;
      log.warn({ code, block: key }, "block not published");
    }
  }

  /** Reads a block, and before it the init segment that it needs and that is not in the mesh yet. */
  async #load(entry: BlockEntry): Promise<LoadedBlock[]> {
    const { stream, origin } = this.#options;
    const block = await loadBlock(origin, stream, entry);
    const needed = initBlockOf(block.record);
    if (needed === undefined || this.#published.has(blockKey(needed))) return [block];
    const jws = await origin.manifests.get(stream, needed);
    if (jws !== undefined) return [await loadBlock(origin, stream, { block: needed, jws }), block];
    this.#awaitedInits.add(blockKey(needed)); // Signed after its media, it comes by the log.
    return [block];
  }

  async #publish(session: MeshSession, blocks: LoadedBlock[], signal: AbortSignal): Promise<void> {
    const left = [...blocks];
    for (let attempt = 1; left.length > 0 && !signal.aborted; attempt++) {
      try {
        for (let next = left[0]; next !== undefined; next = left[0]) {
          session.driver.input(next.publication);
          this.#remember(next.record.block);
          left.shift();
        }
      } catch (error) {
        if (errorCode(error) !== UNKNOWN_KEY || attempt >= KEY_ATTEMPTS_MAX) throw error;
        session.renewKeys(); // The signer may have got a new key since this peer joined.
        await delay(RETRY_MS, undefined, { signal });
      }
    }
  }

  #remember(block: BlockId): void {
    this.#blocksPublished++;
    this.#published.add(blockKey(block));
    if (this.#published.size <= PUBLISHED_REMEMBERED_MAX) return;
    for (const oldest of this.#published) {
      this.#published.delete(oldest);
      break;
    }
  }
}
