import type { Redis } from "ioredis";
import type { Logger } from "pino";
import {
  createWebhookQueue,
  enqueueWebhook,
  RedisScript,
  type WebhookJob,
  type WebhookQueue,
} from "../pipeline/index.ts";
import type { StreamState } from "./live-streams.ts";
import type { OriginOverview } from "./origin-overview.ts";
import type { Webhooks } from "./webhooks.ts";

/** Hash: stream id -> "<when it last changed> <state>". */
const STATES_KEY = "starling:webhooks:states";
const LOOK_EVERY_MS = 1000;

/** KEYS states; ARGV stream, what it was ("" for nothing), what it is ("" to forget it). Answers 1 or 0. */
const changeScript = new RedisScript(
  "change-stream-state",
  `
if (redis.call("HGET", KEYS[1], ARGV[1]) or "") ~= ARGV[2] then return 0 end
if ARGV[3] == "" then redis.call("HDEL", KEYS[1], ARGV[1]) else redis.call("HSET", KEYS[1], ARGV[1], ARGV[3]) end
return 1
`,
);

interface WatchParts {
  readonly redis: Redis;
  readonly overview: Pick<OriginOverview, "streams">;
  readonly webhooks: Pick<Webhooks, "list">;
  readonly log: Logger;
}

/**
 * Looks after the streams each second, in every API process, and queues what webhooks are to be told. What was
 * told is in Redis: a change makes one event, whoever sees it first, also over a restart.
 */
export class WebhookWatch {
  readonly #parts: WatchParts;
  readonly #queue: WebhookQueue;
  #looking: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#queue = createWebhookQueue(parts.redis);
    this.#queue.on("error", () => undefined); // It shares the connection, which logs its errors.
    this.#lookLater();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#queue.close();
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((error: unknown) => {
          this.#parts.log.warn({ err: error }, "streams not looked after for webhooks");
        })
        .finally(() => this.#lookLater());
    }, LOOK_EVERY_MS);
  }

  async #look(): Promise<void> {
    const { redis, overview } = this.#parts;
    const [streams, told] = await Promise.all([overview.streams(), redis.hgetall(STATES_KEY)]);
    for (const { stream, state } of streams) {
      const { id, createdAtMs } = stream;
      await this.#see(id, told[id], told[id] ?? `${createdAtMs} offline`, state);
      delete told[id];
    }
    // What is left was deleted.
    for (const [id, before] of Object.entries(told)) await this.#see(id, before, before, undefined);
  }

  /** `known`: what Redis has, or what stands for it where it has nothing. */
  async #see(
    id: string,
    told: string | undefined,
    known: string,
    state: StreamState | undefined,
  ): Promise<void> {
    const [since = "", before] = known.split(" ");
    if (told !== undefined && before === state) return;
    const atMs = Date.now();
    const type = eventOf(before as StreamState, state ?? "offline");
    if (type !== undefined) await this.#tell({ type, stream: id, atMs }, since);
    // After the jobs: who fails between adds them again, under the same ids.
    const now = state === undefined ? "" : `${atMs} ${state}`;
    await changeScript.run(this.#parts.redis, [STATES_KEY], id, told ?? "", now);
  }

  async #tell(told: Pick<WebhookJob, "type" | "stream" | "atMs">, since: string): Promise<void> {
    const { type, stream } = told;
    for (const webhook of await this.#parts.webhooks.list()) {
      if (!webhook.events.includes(type)) continue;
      const job = { ...told, webhook: webhook.id, event: `${stream}.${since}.${type}` };
      if (await enqueueWebhook(this.#queue, job)) continue;
      this.#parts.log.error({ webhook: webhook.id, type, stream }, "too many webhook jobs wait");
    }
  }
}

function eventOf(before: StreamState, after: StreamState): WebhookJob["type"] | undefined {
  if (before === after) return undefined;
  if (after === "offline") return "stream.stopped";
  if (after === "interrupted") return before === "live" ? "stream.unhealthy" : undefined;
  return before === "offline" ? "stream.started" : "stream.recovered";
}
