import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createWebhookQueue, type WebhookQueue } from "../pipeline/index.ts";
import { isPublicAddress, lookupPublic } from "./public-address.ts";
import { ask, bearer, posting, type TestApi, TestOrigin } from "./test-origin.ts";

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A site's backend: it answers with `status`, and keeps what came. */
class Receiver {
  readonly #server: Server;
  readonly #deliveries: Delivery[] = [];
  #wake: () => void = () => undefined;
  status = 204;

  constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        response.writeHead(this.status, { Location: "http://127.0.0.1:9/" }).end();
        this.#deliveries.push({ headers: request.headers, body });
        this.#wake();
      });
    });
  }

  static async start(): Promise<Receiver> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Receiver(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get waiting(): number {
    return this.#deliveries.length;
  }

  async next(): Promise<Delivery> {
    while (this.#deliveries.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#deliveries.shift() as Delivery;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let origin: TestOrigin;
let api: TestApi;
let receiver: Receiver;
let queue: WebhookQueue;
beforeAll(async () => {
  origin = await TestOrigin.start();
  // Two processes look after the streams: each change is told once nevertheless.
  api = await origin.startApi({ webhookPrivate: true });
  await origin.startApi({ webhookPrivate: true });
  queue = createWebhookQueue(origin.redis);
});
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(async () => {
  await origin.redis.del("starling:webhooks");
  receiver.close();
});
afterAll(async () => {
  await queue.close();
  await origin.stop();
});

const admin = () => bearer(origin.apiKey);

async function createWebhook(
  wanted: object = {},
  url = `http://127.0.0.1:${receiver.port}/hook?site=1`,
): Promise<{ id: string; secret: string; status: number; code: unknown }> {
  const body = { url, ...wanted };
  const answer = await ask(`${api.url}/api/v1/webhooks`, posting(body, origin.apiKey));
  const { id, secret, code } = answer.body;
  return { id: String(id), secret: String(secret), status: answer.status, code };
}

async function deleteWebhook(id: string): Promise<number> {
  const init = { method: "DELETE", headers: admin() };
  return (await fetch(`${api.url}/api/v1/webhooks/${id}`, init)).status;
}

let published = 0;
/** A segment that was complete so long ago: the state of a stream follows from its age. */
const publish = (stream: string, ageMs: number) => {
  published += 1;
  const segment = { stream, session: "s", index: published, bytes: Uint8Array.of(published) };
  return origin.publish(segment, Date.now() - ageMs);
};

async function newStream(id: string): Promise<void> {
  await origin.registry.create({ id });
  const bytes = Uint8Array.of(1);
  await origin.publish({ stream: id, session: "s", index: "init", bytes }, Date.now() - 120_000);
}

const typeOf = ({ body }: Delivery) => (JSON.parse(body) as { type: string }).type;

describe("a webhook", () => {
  test("is told when a stream starts, fails, recovers and stops, each once", async () => {
    await createWebhook();
    await newStream("tv");
    const told: string[] = [];
    for (const ageMs of [0, 10_000, 0]) {
      await publish("tv", ageMs);
      told.push(typeOf(await receiver.next()));
    }
    await fetch(`${api.url}/api/v1/streams/tv`, { method: "DELETE", headers: admin() });
    told.push(typeOf(await receiver.next()));
    const kinds = ["started", "unhealthy", "recovered", "stopped"];
    expect(told).toEqual(kinds.map((kind) => `stream.${kind}`));
    while ((await queue.getJobCountByTypes("waiting", "active")) > 0);
    expect(await queue.getJobCountByTypes("completed", "delayed", "failed")).toBe(4);
    expect(receiver.waiting).toBe(0);
  }, 30_000);

  test("gets events whose signature anybody with the secret can check", async () => {
    const { secret } = await createWebhook({ events: ["stream.started"] });
    await newStream("signed");
    await publish("signed", 0);
    const { headers, body } = await receiver.next();
    const key = Buffer.from(secret.replace("whsec_", ""), "base64");
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const expected = createHmac("sha256", key).update(signed).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
    const ageS = Date.now() / 1000 - Number(headers["webhook-timestamp"]);
    expect(Math.abs(ageS)).toBeLessThan(60);
    expect(JSON.parse(body)).toMatchObject({ type: "stream.started", data: { stream: "signed" } });
  }, 30_000);

  test("that fails or redirects is tried again later, as the same event", async () => {
    await createWebhook({ events: ["stream.started"] });
    receiver.status = 302;
    await newStream("retried");
    await publish("retried", 0);
    const first = await receiver.next();
    let [job] = await queue.getDelayed();
    while (job === undefined) [job] = await queue.getDelayed();
    expect(job.failedReason).toBe("The receiver answered 302.");
    expect(job.delay).toBeGreaterThan(5000);
    receiver.status = 200;
    await job.promote();
    const second = await receiver.next();
    expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
    expect(second.body).toBe(first.body);
  }, 30_000);

  test("that answers that it is gone is not tried again", async () => {
    await createWebhook({ events: ["stream.started"] });
    receiver.status = 410;
    await newStream("gone");
    await publish("gone", 0);
    await receiver.next();
    let [job] = await queue.getFailed();
    while (job === undefined) [job] = await queue.getFailed();
    expect(job.attemptsMade).toBe(1);
  }, 30_000);
});

describe("the routes of webhooks", () => {
  test("show the secret once, need a key, and keep to their limits", async () => {
    const { id, secret } = await createWebhook();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const list = await ask(`${api.url}/api/v1/webhooks`, { headers: admin() });
    expect(JSON.stringify(list.body)).not.toContain(secret);
    expect((await ask(`${api.url}/api/v1/webhooks`)).status).toBe(401);
    expect(await deleteWebhook(id)).toBe(204);
    expect(await deleteWebhook(id)).toBe(404);
    for (const url of [
      "ftp://example.com/",
      "no address",
      `https://a.example/${"a".repeat(2048)}`,
    ]) {
      expect((await createWebhook({}, url)).status).toBe(400);
    }
    expect(await createWebhook({}, "https://me:secret@a.example/")).toMatchObject({
      code: "webhook-url-refused",
    });
    const made = await Promise.all(Array.from({ length: 33 }, () => createWebhook()));
    expect(made.filter(({ code }) => code === "webhook-limit")).toHaveLength(1);
  });
});

describe("a webhook in a private network", () => {
  test("is refused by its address, and by what its name stands for", async () => {
    const strict = await origin.startApi();
    for (const host of [
      "127.0.0.1",
      "169.254.169.254",
      "[::1]",
      "[::ffff:10.0.0.1]",
      "2130706433",
    ]) {
      const body = { url: `http://${host}:${receiver.port}/` };
      const answer = await ask(`${strict.url}/api/v1/webhooks`, posting(body, origin.apiKey));
      expect([host, answer.status]).toEqual([host, 400]);
    }
    for (const options of [{ all: true }, { all: false }]) {
      const error = await new Promise((resolve) => {
        lookupPublic("localhost", options, (refusal) => resolve(refusal));
      });
      expect(error).toMatchObject({ code: "webhook-url-refused" });
    }
  });

  test.each([
    "10.1.2.3",
    "100.64.0.1",
    "192.168.1.1",
    "::",
    "fd00::1",
    "fe80::1",
    "64:ff9b::a00:1",
  ])("as %s is", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["1.1.1.1", "172.15.0.1", "2606:4700::1111"])("as %s is not", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});
