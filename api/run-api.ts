import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Express } from "express";
import { connectRedis, loadSigningKey, publishKey, startHeartbeat } from "../pipeline/index.ts";
import { type ApiOptions, type ResolvedOptions, resolveOptions } from "./api-options.ts";
import { assemble } from "./assembly.ts";

/** An API process that runs. */
export type RunningApi = {
  readonly port: number;
  /** Stops accepting, closes WebSockets with 1001, lets answers in flight end (2 s), and lets Redis go. */
  close(): Promise<void>;
};

/** Beside the tracker's connections, those of viewers that play over HTTP. */
const CONNECTIONS_MAX = 50_000;
/** How often connections are looked for whose headers or body do not come. */
const CHECK_MS = 2000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time-out of common load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
const DRAIN_MS = 2000;
/** A client that takes nothing of its answer for this long is cut. */
const STALLED_MS = 60_000;
/** Without Redis nothing can be handed back; what is left there expires. */
const CLOSE_MAX_MS = 5000;

/**
 * Starts one API process: REST, tracker, playlists, media and pages on one port. Any number of them
 * work on one Redis. Throws StarlingError "key-file-permissions", "key-file-malformed", "redis-url" or that of
 * an option (api-options.ts), and the system's error when the port cannot be opened.
 */
export async function runApi(given: ApiOptions): Promise<RunningApi> {
  const options = resolveOptions(given);
  const { log } = options;
  const key = await loadSigningKey(options.tokenKeyFile, "token");
  const redis = connectRedis(options.redisUrl);
  redis.on("error", (error) => log.warn({ err: error }, "Redis connection broken"));
  try {
    await publishKey(redis, key.jwk);
    const api = await assemble(options, redis, key);
    const server = await listen(api.app, options).catch(async (error: unknown) => {
      await api.close();
      throw error;
    });
    server.on("upgrade", (request, socket, head) => api.tracker.upgrade(request, socket, head));
    const instance = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
    const role = { redis, name: "api", instance };
    const stopHeartbeat = startHeartbeat(role, () => api.overview.heartbeat(), log);
    const { port } = server.address() as AddressInfo;
    log.info({ host: options.host, port }, "API listens");
    return {
      port,
      close: async () => {
        stopHeartbeat();
        const drained = drain(server);
        await Promise.race([api.close(), delay(CLOSE_MAX_MS, undefined, { ref: false })]);
        await drained;
        redis.disconnect();
      },
    };
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

function listen(app: Express, { host, port, log }: ResolvedOptions): Promise<Server> {
  const server = createServer({ connectionsCheckingInterval: CHECK_MS }, app);
  server.maxConnections = CONNECTIONS_MAX;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.timeout = STALLED_MS;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      // Such as one connection that could not be accepted because too many files are open.
      server.on("error", (error) => log.error({ err: error }, "the HTTP server failed"));
      resolve(server);
    });
  });
}

/** Lets answers in flight end, for a while. */
function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
