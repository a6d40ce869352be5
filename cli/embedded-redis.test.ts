import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { connectRedis } from "../pipeline/index.ts";
import { withEmbeddedRedis } from "./embedded-redis.ts";
import { RoleLogs } from "./role-logs.ts";
import { Terminal } from "./terminal.ts";

let folder: string;
let logs: RoleLogs;
let screen: PassThrough;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-redis-"));
  screen = new PassThrough();
  logs = new RoleLogs(join(folder, "logs"), new Terminal(screen as unknown as WriteStream));
});
afterEach(() => {
  logs.close();
  rmSync(folder, { recursive: true, force: true });
});

function serverPid(): number {
  return Number(readFileSync(join(folder, "redis", "redis.pid"), "utf8"));
}

describe("the embedded Redis", () => {
  test("is started again when it is killed, with what was written to it, and stops at the end", async () => {
    const dir = join(folder, "redis");
    let address = "";
    await withEmbeddedRedis(dir, logs, async (redisUrl) => {
      address = redisUrl.slice("unix:".length);
      const redis = connectRedis(redisUrl);
      redis.on("error", () => undefined);
      await redis.set("starling:test", "kept");
      // The append-only file is written before the answer, and synced within a second.
      process.kill(serverPid(), "SIGKILL");
      expect(await redis.get("starling:test")).toBe("kept");
      redis.disconnect();
    });
    expect(existsSync(address)).toBe(false);
    expect(String(screen.read())).toContain("the Redis server was started again");
  });

  test("stops when the work fails", async () => {
    let address = "";
    const work = withEmbeddedRedis(join(folder, "redis"), logs, async (redisUrl) => {
      address = redisUrl.slice("unix:".length);
      throw new Error("the work failed");
    });
    await expect(work).rejects.toThrow("the work failed");
    expect(existsSync(address)).toBe(false);
  });
});
