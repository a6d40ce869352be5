import { existsSync } from "node:fs";
import { join } from "node:path";
import { StarlingError } from "../core/index.ts";
import type { Config } from "./options.ts";

const ANY_ADDRESSES = ["0.0.0.0", "::", "[::]"];

/** The folders and files of an origin's data folder. */
export function dataPaths(config: Pick<Config, "dataDir" | "manifestKeyFile" | "tokenKeyFile">) {
  const within = (...names: string[]) => join(config.dataDir, ...names);
  return {
    media: within("media"),
    logs: within("logs"),
    redis: within("redis"),
    manifestKeyFile: config.manifestKeyFile ?? within("keys", "manifest.json"),
    tokenKeyFile: config.tokenKeyFile ?? within("keys", "token.json"),
  };
}

/**
 * The Redis of --redis-url, else the one that a studio runs in the data folder.
 * @throws StarlingError "redis-unset" when there is neither.
 */
export function sharedRedisUrl(config: Pick<Config, "redisUrl" | "dataDir">): string {
  if (config.redisUrl !== undefined) return config.redisUrl;
  const socket = join(config.dataDir, "redis", "redis.sock");
  if (existsSync(socket)) return `unix:${socket}`;
  throw new StarlingError(
    "redis-unset",
    `No studio runs on ${config.dataDir}. Start one with "starling studio", or name a Redis with --redis-url.`,
  );
}

/** How a program on this machine reaches a door that listens on `host`. */
export function localHost(host: string): string {
  if (ANY_ADDRESSES.includes(host)) return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** How a person on this machine writes it. */
export function friendlyHost(host: string): string {
  const local = localHost(host);
  return local === "127.0.0.1" ? "localhost" : local;
}
