import { createHash, randomBytes } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { blockKey } from "../core/index.ts";
import {
  BlockStore,
  type EncodeQueue,
  enqueueEncode,
  LOG_START,
  ManifestLog,
  StreamRegistry,
  Timeline,
} from "../pipeline/index.ts";

const SESSION = "bench";
/** Segments that a stream keeps on disk. */
const RETENTION = 16;
const INIT_BYTES = 800;

/** Stands in for the ingest of one stream, and for a peer that follows its manifests. */
export class StreamFeed {
  readonly stream: string;
  readonly #segment: Uint8Array;
  readonly #mediaRoot: string;
  readonly #timeline: Timeline;
  readonly #store: BlockStore;
  readonly #queue: EncodeQueue;
  readonly #log: ManifestLog;
  readonly #registry: StreamRegistry;
  readonly #follower = new AbortController();
  readonly #waiting = new Map<string, () => void>();
  #following: Promise<void> | undefined;
  #nextIndex = 0;

  constructor(
    stream: string,
    parts: { redis: Redis; queue: EncodeQueue; mediaRoot: string; segment: Uint8Array },
  ) {
    this.stream = stream;
    this.#segment = parts.segment;
    this.#mediaRoot = parts.mediaRoot;
    this.#timeline = new Timeline(parts.redis);
    this.#store = new BlockStore(parts.mediaRoot);
    this.#queue = parts.queue;
    this.#log = new ManifestLog(parts.redis);
    this.#registry = new StreamRegistry(parts.redis);
  }

  /** Makes the stream and publishes its init segment. */
  async open(): Promise<void> {
    await this.#registry.create({ id: this.stream });
    await mkdir(join(this.#mediaRoot, this.stream, SESSION), { recursive: true });
    this.#following = this.#follow();
    await this.#publish("init", randomBytes(INIT_BYTES));
  }

  /** Completes the next segment and answers, in ms, how long its manifest took from then on. */
  publish(): Promise<number> {
    return this.#publish(this.#nextIndex++, this.#segment);
  }

  async close(): Promise<void> {
    this.#follower.abort();
    await this.#following;
    await this.#registry.delete(this.stream);
    const removed = await this.#timeline.trim(this.stream, 0);
    await Promise.all(removed.map((record) => this.#store.remove(record)));
  }

  async #publish(index: number | "init", bytes: Uint8Array): Promise<number> {
    const name = index === "init" ? "init.mp4" : `${String(index).padStart(9, "0")}.m4s`;
    const path = `${this.stream}/${SESSION}/${name}`;
    const file = join(this.#mediaRoot, path);
    await writeFile(`${file}.tmp`, bytes);
    await rename(`${file}.tmp`, file);
    const completedAt = performance.now();
    const completedAtMs = Date.now();
    const [record] = await this.#timeline.register({
      stream: this.stream,
      session: SESSION,
      rendition: 0,
      index,
      path,
      byteLength: bytes.length,
      durationMs: index === "init" ? 0 : 1000,
      programDateTimeMs: completedAtMs - 1000,
      completedAtMs,
      initSha256: createHash("sha256").update(SESSION).digest("base64url"),
    });
    const signed = new Promise<void>((resolve) => {
      this.#waiting.set(blockKey(record.block), resolve);
    });
    await enqueueEncode(this.#queue, record);
    await signed;
    const latencyMs = performance.now() - completedAt;
    await this.#trim(index);
    return latencyMs;
  }

  async #trim(index: number | "init"): Promise<void> {
    if (index === "init" || index % RETENTION !== RETENTION - 1) return;
    const removed = await this.#timeline.trim(this.stream, RETENTION);
    await Promise.all(removed.map((record) => this.#store.remove(record)));
  }

  async #follow(): Promise<void> {
    for await (const { block } of this.#log.follow(this.stream, LOG_START, this.#follower.signal)) {
      const key = blockKey(block);
      this.#waiting.get(key)?.();
      this.#waiting.delete(key);
    }
  }
}
