import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { connectRedis } from "./redis-connection.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

/** A real Redis of its own in a temporary folder, for tests and benchmarks. */
export class ScratchRedis {
  /** The folder: whoever uses the Redis may put files there too. */
  readonly dir: string;
  readonly url: string;
  readonly redis: Redis;
  readonly #server: RedisServer;

  private constructor(dir: string, server: RedisServer) {
    this.dir = dir;
    this.url = server.url;
    this.redis = connectRedis(server.url);
    this.#server = server;
  }

  static async start(): Promise<ScratchRedis> {
    const dir = await mkdtemp(join(tmpdir(), "starling-"));
    return new ScratchRedis(dir, await startRedisServer({ dir: join(dir, "redis") }));
  }

  /** Ends the server and removes the folder. */
  async stop(): Promise<void> {
    this.redis.disconnect();
    await this.#server.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}
