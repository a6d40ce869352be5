import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { instantMs } from "../core/index.ts";
import { uploadBudget } from "../mesh/index.ts";
import { nodePlatform } from "../peer/node/index.ts";
import {
  BlockStore,
  connectRedis,
  internalKey,
  ManifestLog,
  PublishSessions,
  StreamRegistry,
  startHeartbeat,
  Timeline,
} from "../pipeline/index.ts";
import { SeedSet } from "./seed-set.ts";
import { StreamSeed } from "./stream-seed.ts";

const WATCH_INTERVAL_MS = 1000;
/** A publisher that is back by then finds its viewers still connected. */
const LEAVE_AFTER_MS = 60_000;
const CACHE_BYTES_PER_STREAM_MAX = 32 * 1024 * 1024;
const CACHE_BYTES_MAX = 1024 * 1024 * 1024;
const CONNECTIONS_MAX = 256;
/** Of a machine that collects blocks; a seed has them whole. */
const MAX_DELAY_MS = 60_000;

export interface SeederOptions {
  readonly redisUrl: string;
  readonly mediaRoot: string;
  readonly log: Logger;
  /** Where the API is: tokens and tracker. */
  readonly apiUrl: string;
  /** Upload budget for all peers of all streams together. */
  readonly totalUploadBytesPerS: number;
  readonly perPeerUploadBytesPerS: number;
  /** Blocks kept in memory: for one stream (default 32 MiB) and for all (default 1 GiB). */
  readonly cacheBytesPerStreamMax?: number | undefined;
  readonly cacheBytesMax?: number | undefined;
  /** WebRTC connections per stream. Default 256. */
  readonly connectionsMax?: number | undefined;
  /** As the API was told: with "relays", signalling that a neighbour carried is not answered. Default "anyone". */
  readonly seedersFor?: "anyone" | "relays" | undefined;
  /** How long a stream without a publisher is still served. Default 60 s. */
  readonly leaveAfterMs?: number | undefined;
  /** The one local address for WebRTC. By default all of them. */
  readonly bindAddress?: string | undefined;
  /** Names this process among the seeders of the origin. */
  readonly instance?: string | undefined;
}

export interface Seeder {
  /** Leaves all streams, then closes the connections. */
  close(): Promise<void>;
}

/** Serves every live stream to the mesh: tier 0. */
export async function runSeeder(options: SeederOptions): Promise<Seeder> {
  const { log, instance = `${hostname()}-${process.pid}` } = options;
  const redis = connectRedis(options.redisUrl);
  redis.on("error", (error) => log.error({ err: error }, "Redis connection"));
  const seeds = createSeedSet(options, redis, await internalKey(redis));
  const stop = new AbortController();
  const watching = watch(new StreamRegistry(redis), new PublishSessions(redis), {
    seeds,
    log,
    signal: stop.signal,
  });
  const role = { redis, name: "seeder", instance };
  const stopHeartbeat = startHeartbeat(role, async () => seeds.stats, log);
  return {
    close: async () => {
      stopHeartbeat();
      stop.abort();
      await watching;
      await seeds.close();
      redis.disconnect();
    },
  };
}

function createSeedSet(options: SeederOptions, redis: Redis, apiKey: string): SeedSet {
  const perStream = options.cacheBytesPerStreamMax ?? CACHE_BYTES_PER_STREAM_MAX;
  const total = options.cacheBytesMax ?? CACHE_BYTES_MAX;
  const { log, apiUrl, bindAddress, totalUploadBytesPerS, perPeerUploadBytesPerS } = options;
  const origin = {
    timeline: new Timeline(redis),
    manifests: new ManifestLog(redis),
    store: new BlockStore(options.mediaRoot),
  };
  const uploads = uploadBudget(instantMs(Date.now()), totalUploadBytesPerS);
  const limits = {
    perPeerUploadBytesPerS,
    cacheBytesMax: perStream,
    maxDelayMs: MAX_DELAY_MS,
  };
  const connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
  const relayedAnswersMax = options.seedersFor === "relays" ? 0 : undefined;
  const platform = nodePlatform({ bindAddress });
  return new SeedSet({
    streamsMax: Math.max(1, Math.floor(total / perStream)),
    leaveAfterMs: options.leaveAfterMs ?? LEAVE_AFTER_MS,
    log,
    start: (stream) => {
      const shared = { origin, apiUrl, apiKey, uploads, limits, platform };
      const connections = { connectionsMax, relayedAnswersMax };
      return new StreamSeed({ ...shared, ...connections, stream, log: log.child({ stream }) });
    },
  });
}

/** Keeps the set up to date with the streams that have a publisher, until `signal` aborts. */
async function watch(
  registry: StreamRegistry,
  publishers: PublishSessions,
  {
    seeds,
    log,
    signal,
  }: { readonly seeds: SeedSet; readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      const streams = await registry.list();
      const current = await Promise.all(streams.map(({ id }) => publishers.current(id)));
      const live = streams.filter((_, index) => current[index] !== undefined).map(({ id }) => id);
      if (!signal.aborted) await seeds.update(new Set(live), performance.now());
    } catch (error) {
      log.warn({ err: error }, "the live streams are not known");
    }
    await delay(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}
