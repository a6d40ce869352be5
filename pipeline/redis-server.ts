import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { errorCode, StarlingError } from "../core/index.ts";
import { connectRedisOnce } from "./redis-connection.ts";

/** A Redis of our own, reached through a unix socket: no port is opened. */
export interface RedisServer {
  /** For connectRedis. */
  readonly url: string;
  /** Flushes the append-only file, ends the server and waits until it is gone. */
  stop(): Promise<void>;
}

/** The address of a unix socket holds 104 bytes on macOS and 108 on Linux, with a closing zero. */
const SOCKET_PATH_BYTES_MAX = 100;
const START_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/**
 * Starts `redis-server` with its data, socket, pid file and log in `dir`. When a server answers
 * there already, because the process that started it was killed, that server is taken over. One
 * caller per `dir` at a time. Throws StarlingError "redis-not-installed" or "redis-start".
 */
export async function startRedisServer(options: {
  readonly dir: string;
  readonly log?: Logger | undefined;
}): Promise<RedisServer> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const place = await reachablePlace(dir);
  const url = `unix:${join(place.dir, "redis.sock")}`;

  const adopted = await pidOf(url);
  const child = adopted === undefined ? spawnServer(dir) : undefined;
  if (child) {
    try {
      await waitUntilReady(child, url, dir);
    } catch (error) {
      child.kill("SIGKILL");
      await place.remove();
      throw error;
    }
  } else {
    options.log?.info({ pid: adopted }, "took over the Redis server of an earlier run");
  }
  const pid = child?.pid ?? adopted;
  let stopping = false;
  child?.once("exit", (code) => {
    if (!stopping) options.log?.error({ code }, "the Redis server ended unexpectedly");
  });
  return {
    url,
    stop: async () => {
      stopping = true;
      await shutDown(url);
      while (pid !== undefined && isAlive(pid)) await delay(POLL_MS);
      await place.remove();
    },
  };
}

/** `dir`, or a short link to it when its socket's path would be too long for an address. */
async function reachablePlace(dir: string): Promise<{ dir: string; remove(): Promise<void> }> {
  if (Buffer.byteLength(join(dir, "redis.sock")) <= SOCKET_PATH_BYTES_MAX) {
    return { dir, remove: async () => {} };
  }
  const parent = await mkdtemp(join(tmpdir(), "starling-"));
  await symlink(dir, join(parent, "redis"));
  return { dir: join(parent, "redis"), remove: () => rm(parent, { recursive: true, force: true }) };
}

function spawnServer(dir: string): ChildProcess {
  const settings = {
    dir,
    port: "0",
    // Relative, so that its length does not count: the server has changed to `dir` by then.
    unixsocket: "redis.sock",
    unixsocketperm: "700",
    pidfile: "redis.pid",
    logfile: "redis.log",
    loglevel: "warning",
    daemonize: "no",
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  // In its own process group: Ctrl-C must reach the roles first, and Redis last.
  return spawn("redis-server", args, { cwd: dir, detached: true, stdio: "ignore" });
}

async function waitUntilReady(child: ChildProcess, url: string, dir: string): Promise<void> {
  const failure = new AbortController();
  child.once("error", (error) => failure.abort(error));
  child.once("exit", (code) => failure.abort({ code: `exit ${code}` }));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while ((await pidOf(url)) === undefined) {
    if (failure.signal.aborted || Date.now() > deadline) {
      throw startError(failure.signal.reason, dir);
    }
    await delay(POLL_MS);
  }
}

function startError(cause: unknown, dir: string): StarlingError {
  if (errorCode(cause) === "ENOENT") {
    return new StarlingError(
      "redis-not-installed",
      "redis-server was not found: install it (apt install redis-server, brew install redis).",
    );
  }
  return new StarlingError("redis-start", `redis-server did not start: see redis.log in ${dir}.`, {
    cause,
  });
}

/** The process id of the server that answers at `url`, if one does. */
async function pidOf(url: string): Promise<number | undefined> {
  const info = await once(url, (redis) => redis.info("server"));
  const pid = /^process_id:(\d+)/m.exec(info ?? "")?.[1];
  return pid === undefined ? undefined : Number(pid);
}

async function shutDown(url: string): Promise<void> {
  await once(url, (redis) => redis.shutdown());
}

/** Runs one command on a connection of its own; undefined when nothing answers. */
async function once<Answer>(
  url: string,
  command: (redis: Redis) => Promise<Answer>,
): Promise<Answer | undefined> {
  const redis = connectRedisOnce(url);
  redis.on("error", () => {});
  try {
    return await command(redis);
  } catch {
    return undefined;
  } finally {
    // Closing twice would leave ioredis waiting 2 s for a socket that is gone.
    if (redis.status !== "end") redis.disconnect();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
