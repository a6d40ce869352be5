import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Redis } from "ioredis";
import { pino } from "pino";
import {
  ApiKeys,
  connectRedis,
  internalKey,
  type MediaFormat,
  type SegmentRecord,
  StreamRegistry,
  startRedisServer,
  Timeline,
} from "../pipeline/index.ts";
import type { ApiOptions } from "./api-options.ts";
import { type RunningApi, runApi } from "./run-api.ts";

/** An API process of a test, with its address. */
export interface TestApi extends RunningApi {
  readonly url: string;
}

/** A real Redis, a media folder and any number of API processes, for the tests of this folder. */
export class TestOrigin {
  readonly dir: string;
  readonly redis: Redis;
  readonly registry: StreamRegistry;
  readonly timeline: Timeline;
  readonly apiKey: string;
  readonly internalKey: string;
  readonly #redisUrl: string;
  readonly #stopRedis: () => Promise<void>;
  readonly #apis: RunningApi[] = [];

  private constructor(parts: {
    dir: string;
    redis: Redis;
    redisUrl: string;
    stopRedis: () => Promise<void>;
    apiKey: string;
    internalKey: string;
  }) {
    this.dir = parts.dir;
    this.redis = parts.redis;
    this.registry = new StreamRegistry(parts.redis);
    this.timeline = new Timeline(parts.redis);
    this.apiKey = parts.apiKey;
    this.internalKey = parts.internalKey;
    this.#redisUrl = parts.redisUrl;
    this.#stopRedis = parts.stopRedis;
  }

  static async start(): Promise<TestOrigin> {
    const dir = await mkdtemp(join(tmpdir(), "starling-api-"));
    const server = await startRedisServer({ dir: join(dir, "redis") });
    const redis = connectRedis(server.url);
    redis.on("error", () => undefined);
    return new TestOrigin({
      dir,
      redis,
      redisUrl: server.url,
      stopRedis: () => server.stop(),
      apiKey: (await new ApiKeys(redis).createFirst()) ?? "",
      internalKey: await internalKey(redis),
    });
  }

  get mediaRoot(): string {
    return join(this.dir, "media");
  }

  async startApi(options: Partial<ApiOptions> = {}): Promise<TestApi> {
    const api = await runApi({ ...this.options, ...options });
    this.#apis.push(api);
    return { ...api, url: `http://127.0.0.1:${api.port}` };
  }

  get options(): ApiOptions {
    return {
      redisUrl: this.#redisUrl,
      mediaRoot: this.mediaRoot,
      log: pino({ level: "silent" }),
      host: "127.0.0.1",
      port: 0,
      tokenKeyFile: join(this.dir, "keys", "token.json"),
      freeBytesMin: 1,
      joinWork: 0,
    };
  }

  /** Puts a segment on disk and into the public order. */
  async publish(
    segment: {
      stream: string;
      session: string;
      index: number | "init";
      bytes: Uint8Array;
      durationMs?: number;
      /** In the renditions after the first. */
      others?: readonly Uint8Array[];
      formats?: readonly MediaFormat[];
    },
    completedAtMs = Date.now(),
  ): Promise<SegmentRecord> {
    const { stream, session, index, bytes, durationMs = 1000, others = [], formats = [] } = segment;
    const write = async (file: Uint8Array, rendition: number) => {
      const [name, ending] =
        index === "init" ? ["init", "mp4"] : [String(index).padStart(9, "0"), "m4s"];
      const path = `${stream}/${session}/${name}${rendition === 0 ? "" : `-${rendition}`}.${ending}`;
      await mkdir(dirname(join(this.mediaRoot, path)), { recursive: true });
      await writeFile(join(this.mediaRoot, path), file);
      return {
        ...{ stream, session, rendition, index, path, completedAtMs },
        byteLength: file.length,
        durationMs: index === "init" ? 0 : durationMs,
        programDateTimeMs: completedAtMs - 1000,
        initSha256: createHash("sha256").update(file).digest("base64url"),
        format: formats[rendition],
      };
    };
    const rest = await Promise.all(others.map((file, index) => write(file, index + 1)));
    const [record] = await this.timeline.register(await write(bytes, 0), ...rest);
    return record;
  }

  /** Ends Redis under the running API processes. */
  loseRedis(): Promise<void> {
    return this.#stopRedis();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#apis.map((api) => api.close()));
    this.redis.disconnect();
    await this.#stopRedis();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** The answer to a request: status, headers and the body as JSON. */
export async function ask(
  url: string,
  init?: RequestInit,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(url, init);
  const text = await response.text();
  const body = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, body };
}

/** A request with a JSON body and, if given, a bearer key. */
export function posting(body: unknown, key?: string): RequestInit {
  return {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...bearer(key) },
  };
}

/** The header of a bearer key. */
export function bearer(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { Authorization: `Bearer ${key}` };
}
