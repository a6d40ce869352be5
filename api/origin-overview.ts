import type { Redis } from "ioredis";
import {
  createEncodeQueue,
  createSignQueue,
  createWebhookQueue,
  type DeadJob,
  deadJobs,
  type EncodeQueue,
  RoleStatus,
  readJwks,
  type SignQueue,
  type Stream,
  type StreamRegistry,
  type WebhookQueue,
} from "../pipeline/index.ts";
import { FreshCache } from "./fresh-cache.ts";
import type { LiveStreams, StreamState } from "./live-streams.ts";
import type { OriginSnapshot } from "./metrics.ts";
import type { PeerDirectory } from "./peer-directory.ts";
import { offloadOf, type Traffic, type TrafficLedger } from "./traffic-ledger.ts";

/** One stream as the whole origin sees it. */
export interface StreamOverview {
  readonly stream: Stream;
  readonly state: StreamState;
  readonly viewers: number;
  readonly seeds: number;
  readonly segmentsPerS: number;
  readonly traffic: Traffic;
}

interface OverviewParts {
  readonly redis: Redis;
  readonly registry: StreamRegistry;
  readonly live: LiveStreams;
  readonly directory: PeerDirectory;
  readonly traffic: TrafficLedger;
}

const MAX_AGE_MS = 1000;
const DEAD_JOBS_SHOWN_MAX = 100;
const QUEUE_STATES = ["waiting", "active", "delayed"] as const;

/** How the whole origin is doing, gathered from Redis at most once a second. */
export class OriginOverview {
  readonly #parts: OverviewParts;
  readonly #queues: readonly (EncodeQueue | SignQueue | WebhookQueue)[];
  readonly #streams = new FreshCache(MAX_AGE_MS, () => this.#loadStreams());
  readonly #stream = new FreshCache(MAX_AGE_MS, (id) => this.#loadStream(id));

  constructor(parts: OverviewParts) {
    this.#parts = parts;
    this.#queues = [
      createEncodeQueue(parts.redis),
      createSignQueue(parts.redis),
      createWebhookQueue(parts.redis),
    ];
    // The queues share the connection, whose errors are logged where it is made.
    for (const queue of this.#queues) queue.on("error", () => undefined);
  }

  streams(): Promise<StreamOverview[]> {
    return this.#streams.get();
  }

  /** undefined: there is no such stream. */
  stream(id: string): Promise<StreamOverview | undefined> {
    return this.#stream.get(id);
  }

  /** What the API's heartbeat tells about the streams on air, by stream id. */
  async heartbeat(): Promise<object> {
    const onAir = (await this.streams()).filter(({ state }) => state !== "offline");
    const streams = onAir.map(({ stream, state, viewers, seeds, traffic }) => [
      stream.id,
      { state, viewers, seeds, offload: offloadOf([traffic]) },
    ]);
    return { streams: Object.fromEntries(streams) };
  }

  /** The newest dead jobs of all queues, at most 100 of each. */
  async deadJobs(): Promise<DeadJob[]> {
    const jobs = await Promise.all(
      this.#queues.map((queue) => deadJobs(queue, DEAD_JOBS_SHOWN_MAX)),
    );
    return jobs.flat().sort((a, b) => b.diedAtMs - a.diedAtMs);
  }

  async snapshot(): Promise<OriginSnapshot> {
    const [{ keys }, streams, roles, counts] = await Promise.all([
      readJwks(this.#parts.redis),
      this.streams(),
      RoleStatus.all(this.#parts.redis),
      Promise.all(
        this.#queues.map(async (queue) => ({
          queue: queue.name,
          jobs: await queue.getJobCounts(...QUEUE_STATES, "failed"),
        })),
      ),
    ]);
    const inState = (state: StreamState): number =>
      streams.filter((overview) => overview.state === state).length;
    return {
      queues: counts.flatMap(({ queue, jobs }) =>
        QUEUE_STATES.map((state) => ({ queue, state, jobs: jobs[state] ?? 0 })),
      ),
      deadJobs: counts.map(({ queue, jobs }) => ({ queue, jobs: jobs["failed"] ?? 0 })),
      streams: {
        live: inState("live"),
        interrupted: inState("interrupted"),
        offline: inState("offline"),
      },
      peers: {
        viewer: sum(streams, ({ viewers }) => viewers),
        seed: sum(streams, ({ seeds }) => seeds),
      },
      segmentsPerS: sum(streams, ({ segmentsPerS }) => segmentsPerS),
      playedBytes: sum(streams, ({ traffic }) => traffic.playedBytes),
      offload: offloadOf(streams.map(({ traffic }) => traffic)),
      keys,
      roles,
    };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#queues.map((queue) => queue.close()));
  }

  async #loadStreams(): Promise<StreamOverview[]> {
    const streams = await this.#parts.registry.list();
    const overviews = await Promise.all(streams.map(({ id }) => this.stream(id)));
    return overviews.filter((overview) => overview !== undefined);
  }

  async #loadStream(id: string): Promise<StreamOverview | undefined> {
    const { live, directory, traffic } = this.#parts;
    const [view, peers, totals] = await Promise.all([
      live.view(id),
      directory.count(id),
      traffic.totals(id),
    ]);
    if (view === undefined) return undefined;
    const { stream, state, segmentsPerS } = view;
    return { stream, state, segmentsPerS, ...peers, traffic: totals };
  }
}

/** The sum of one number of each stream. */
export function sum(
  streams: readonly StreamOverview[],
  number: (overview: StreamOverview) => number,
): number {
  return streams.reduce((total, overview) => total + number(overview), 0);
}
