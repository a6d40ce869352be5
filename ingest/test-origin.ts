import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import {
  connectRedis,
  type RedisServer,
  type SegmentRecord,
  StreamRegistry,
  startRedisServer,
  Timeline,
} from "../pipeline/index.ts";
import { type CapturedLog, captureLog } from "./captured-log.ts";
import { publishTestArguments } from "./ffmpeg-command.ts";
import { type Ingest, type IngestOptions, runIngest } from "./ingest.ts";

const POLL_MS = 20;
const PICTURE = { widthPx: 160, heightPx: 90, fps: 25, videoKbps: 200, gopS: 1 };

/** An ingest with its own Redis in its own directory; for tests. */
export class TestOrigin {
  readonly captured: CapturedLog = captureLog();
  readonly mediaRoot: string;
  readonly redis: Redis;
  readonly registry: StreamRegistry;
  readonly timeline: Timeline;
  readonly #dir: string;
  readonly #server: RedisServer;
  readonly #children = new Set<ChildProcess>();
  #ingest: Ingest | undefined;

  private constructor(dir: string, server: RedisServer) {
    this.#dir = dir;
    this.#server = server;
    this.mediaRoot = join(dir, "media");
    this.redis = connectRedis(server.url);
    this.registry = new StreamRegistry(this.redis);
    this.timeline = new Timeline(this.redis);
  }

  static async start(): Promise<TestOrigin> {
    const dir = await mkdtemp(join(tmpdir(), "ingest-"));
    return new TestOrigin(dir, await startRedisServer({ dir: join(dir, "redis") }));
  }

  /** Starts the ingest role; the one that runs is closed first. */
  async ingest(options: Partial<IngestOptions> = {}): Promise<Ingest> {
    const before = this.#ingest;
    this.#ingest = undefined;
    await before?.close();
    this.#ingest = await runIngest({
      redisUrl: this.#server.url,
      mediaRoot: this.mediaRoot,
      log: this.captured.log,
      rtmpHost: "127.0.0.1",
      rtmpPort: 0,
      ...options,
    });
    return this.#ingest;
  }

  /** Ends Redis under the running ingest. */
  loseRedis(): Promise<void> {
    return this.#server.stop();
  }

  /** Ends every publisher, the ingest and Redis, and removes all files. */
  async stop(): Promise<void> {
    await this.endPublishers();
    await this.#ingest?.close();
    this.redis.disconnect();
    await this.#server.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Makes a stream and gives the address to publish it at. */
  async addressOf(stream: string): Promise<string> {
    const known = (await this.registry.get(stream)) ?? (await this.registry.create({ id: stream }));
    return `rtmp://127.0.0.1:${this.#ingest?.rtmpPort}/live/${known.streamKey}`;
  }

  /** Starts a real ffmpeg that publishes a test card. */
  publish(url: string, picture: Partial<typeof PICTURE> = {}): TestPublisher {
    return this.run(publishTestArguments({ url, ...PICTURE, ...picture }));
  }

  /** Starts an ffmpeg with any arguments. */
  run(args: readonly string[]): TestPublisher {
    const child = spawn("ffmpeg", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#children.add(child);
    return new TestPublisher(child);
  }

  async endPublishers(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    this.#children.clear();
  }

  /** Waits until the stream has `count` media segments, and gives them. */
  async segments(stream: string, count: number): Promise<SegmentRecord[]> {
    let window: SegmentRecord[] = [];
    await until(async () => {
      window = await this.timeline.window(stream, 0, 1000);
      return window.length >= count;
    });
    return window;
  }

  /** Waits until some log line contains `words`. */
  async logged(words: string): Promise<void> {
    await until(async () => this.captured.messages.some((message) => message.includes(words)));
  }
}

/** A real ffmpeg that publishes. */
export class TestPublisher {
  readonly child: ChildProcess;
  /** Settles when it has ended. */
  readonly exited: Promise<unknown>;
  #said = "";

  constructor(child: ChildProcess) {
    this.child = child;
    this.exited = once(child, "close");
    child.stderr?.on("data", (text: Buffer) => {
      this.#said += String(text);
    });
  }

  /** What it wrote to stderr: what a broadcaster would read. */
  get said(): string {
    return this.#said;
  }
}

/** Waits for a condition that has no event. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(POLL_MS);
}
