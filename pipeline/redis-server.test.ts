import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { connectRedis, startRedisServer } from "./index.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "redis-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function command(url: string, name: string, ...values: string[]): Promise<unknown> {
  const redis = connectRedis(url);
  try {
    return await redis.call(name, ...values);
  } finally {
    redis.disconnect();
  }
}

describe("startRedisServer", () => {
  test("keeps its data over a stop and a start", async () => {
    const first = await startRedisServer({ dir });
    await command(first.url, "SET", "a", "1");
    await first.stop();
    const second = await startRedisServer({ dir });
    expect(await command(second.url, "GET", "a")).toBe("1");
    expect(await command(second.url, "CONFIG", "GET", "maxmemory-policy")).toEqual([
      "maxmemory-policy",
      "noeviction",
    ]);
    expect(await command(second.url, "CONFIG", "GET", "port")).toEqual(["port", "0"]);
    await second.stop();
  });

  test("takes over a server that is left of an earlier run, and can end it", async () => {
    const left = await startRedisServer({ dir });
    await command(left.url, "SET", "a", "1");
    const taken = await startRedisServer({ dir });
    expect(await command(taken.url, "GET", "a")).toBe("1");
    await taken.stop();
    const fresh = await startRedisServer({ dir });
    expect(await command(fresh.url, "GET", "a")).toBe("1");
    await fresh.stop();
  });

  test("works in a folder whose path is too long for a socket's address", async () => {
    const long = join(dir, "a".repeat(60), "b".repeat(60));
    await mkdir(long, { recursive: true });
    const server = await startRedisServer({ dir: long });
    expect(server.url.length).toBeLessThan(100);
    expect(await command(server.url, "PING")).toBe("PONG");
    await server.stop();
  });
});
