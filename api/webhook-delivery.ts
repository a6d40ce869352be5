import { createHmac } from "node:crypto";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { UnrecoverableError, type Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { errorCode, StarlingError } from "../core/index.ts";
import { createWebhookWorker, type WebhookJob } from "../pipeline/index.ts";
import { lookupPublic } from "./public-address.ts";
import type { Webhook, Webhooks } from "./webhooks.ts";

const CONCURRENCY = 8;
const ANSWER_TIMEOUT_MS = 10_000;
/** The receiver wants no more of it (RFC 9110 section 15.5.11). */
const GONE = 410;
const SECRET_PREFIX = "whsec_";

interface DeliveryParts {
  readonly redis: Redis;
  readonly webhooks: Webhooks;
  /** Whether webhooks may be in private networks. */
  readonly isPrivateAllowed: boolean;
  readonly log: Logger;
}

/** Sends what waits for webhooks, with the signature of Standard Webhooks; the queue tries again what failed. */
export class WebhookDelivery {
  readonly #parts: DeliveryParts;
  readonly #worker: Worker<WebhookJob, void>;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const choices = { concurrency: CONCURRENCY };
    this.#worker = createWebhookWorker(parts.redis, (job) => this.#deliver(job), choices);
    this.#worker.on("error", (error) => parts.log.debug({ err: error }, "webhook worker"));
  }

  /** Lets deliveries in flight end, and takes no more. Without Redis nothing can be told of them: it waits for none. */
  async close(): Promise<void> {
    await this.#worker.close(this.#parts.redis.status !== "ready");
  }

  async #deliver(job: WebhookJob): Promise<void> {
    const { webhooks, isPrivateAllowed, log } = this.#parts;
    const webhook = await webhooks.get(job.webhook);
    if (webhook === undefined) return; // It was deleted meanwhile.
    const { type, stream, atMs, event } = job;
    const timestamp = new Date(atMs).toISOString();
    const body = JSON.stringify({ type, timestamp, data: { stream } });
    const headers = signedHeaders(webhook, event, Math.floor(Date.now() / 1000), body);
    const context = { webhook: webhook.id, event, type, stream };
    try {
      const status = await post(webhook.url, headers, body, isPrivateAllowed);
      if (status === GONE) throw new UnrecoverableError("The receiver answered 410: it is gone.");
      if (status < 200 || status > 299) {
        throw new StarlingError("webhook-refused", `The receiver answered ${status}.`);
      }
      log.debug(context, "webhook delivered");
    } catch (error) {
      // An address may hold a secret of the receiver: the log names the webhook only.
      log.warn({ ...context, code: errorCode(error) }, "webhook not delivered");
      throw error;
    }
  }
}

/**
 * The headers of Standard Webhooks: id, time and HMAC-SHA-256 over "id.timestamp.body", so that a receiver
 * refuses what is forged, old, or known.
 */
export function signedHeaders(
  { secret }: Pick<Webhook, "secret">,
  id: string,
  timestampS: number,
  body: string,
): Record<string, string> {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestampS}.${body}`);
  return {
    "Content-Type": "application/json",
    "User-Agent": "starling",
    "webhook-id": id,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": `v1,${signature.digest("base64")}`,
  };
}

/** Gives the status of the answer. Its body is not read, and no redirection is followed. */
function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  isPrivateAllowed: boolean,
): Promise<number> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = send(url, {
      method: "POST",
      headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      agent: false,
      ...(isPrivateAllowed ? {} : { lookup: lookupPublic }),
    });
    sent.once("response", (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
