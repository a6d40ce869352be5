import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { Redis } from "ioredis";
import { z } from "zod";
import { RedisScript, WEBHOOK_EVENTS } from "../pipeline/index.ts";
import { refusal } from "./problems.ts";
import { isPublicAddress } from "./public-address.ts";

const WEBHOOKS_KEY = "starling:webhooks";
export const WEBHOOKS_MAX = 32;
const ID_BYTES = 9;
const SECRET_BYTES = 32;

const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  secret: z.string(),
  createdAtMs: z.number(),
});

/** Where to tell of streams. `secret` is "whsec_" and base64, as Standard Webhooks has it. */
export type Webhook = z.output<typeof webhookSchema>;

/** KEYS webhooks; ARGV id, webhook, webhooks max. Answers 1, or 0 when there are that many. */
const addScript = new RedisScript(
  "add-webhook",
  `
if redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
return redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
`,
);

/** The webhooks of this origin. Their secrets are kept as they are: signatures are made with them. */
export class Webhooks {
  readonly #redis: Redis;
  readonly #isPrivateAllowed: boolean;

  constructor(redis: Redis, { isPrivateAllowed }: { readonly isPrivateAllowed: boolean }) {
    this.#redis = redis;
    this.#isPrivateAllowed = isPrivateAllowed;
  }

  /** Throws StarlingError "webhook-limit" or "webhook-url-refused". */
  async create({ url, events }: Pick<Webhook, "url" | "events">): Promise<Webhook> {
    this.#check(url);
    const webhook: Webhook = {
      ...{ id: randomBytes(ID_BYTES).toString("base64url"), url, events },
      secret: `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`,
      createdAtMs: Date.now(),
    };
    const { id } = webhook;
    const keys = [WEBHOOKS_KEY];
    const json = JSON.stringify(webhook);
    if ((await addScript.run(this.#redis, keys, id, json, WEBHOOKS_MAX)) === 1) return webhook;
    throw refusal("webhook-limit", `An origin has ${WEBHOOKS_MAX} webhooks: delete one.`);
  }

  /** All webhooks, oldest first. */
  async list(): Promise<Webhook[]> {
    const webhooks = (await this.#redis.hvals(WEBHOOKS_KEY)).map(webhookOf);
    return webhooks.sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  async get(id: string): Promise<Webhook | undefined> {
    const json = await this.#redis.hget(WEBHOOKS_KEY, id);
    return json === null ? undefined : webhookOf(json);
  }

  /** False when there is none of that id. */
  async delete(id: string): Promise<boolean> {
    return (await this.#redis.hdel(WEBHOOKS_KEY, id)) === 1;
  }

  /** What an address alone tells; a name is looked up when it is called. */
  #check(url: string): void {
    const { hostname, username, password } = new URL(url);
    if (username !== "" || password !== "") {
      throw refusal("webhook-url-refused", "Leave name and password out: check the signature.");
    }
    const host = hostname.replace(/^\[|\]$/g, "");
    if (!this.#isPrivateAllowed && isIP(host) !== 0 && !isPublicAddress(host)) {
      throw refusal(
        "webhook-url-refused",
        "The address is in a private network: allow that with webhook-private, if you mean it.",
      );
    }
  }
}

function webhookOf(json: string): Webhook {
  return webhookSchema.parse(JSON.parse(json));
}
