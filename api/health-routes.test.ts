import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { nobleCrypto, signKeyCertificate } from "../core/index.ts";
import {
  certifyKey,
  createEncodeQueue,
  createEncodeWorker,
  enqueueEncode,
  RoleStatus,
  readJwks,
} from "../pipeline/index.ts";
import { ask, bearer, type TestApi, TestOrigin } from "./test-origin.ts";
import { TestPeer } from "./test-peer.ts";

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi({ requiredRoles: ["encoder", "signer"] });
});
afterAll(() => origin.stop());

const reportAs = (role: string, stats: object = {}) =>
  new RoleStatus(origin.redis, role, `${role}-1`).report(stats);

describe("readiness", () => {
  test("names every role that is missing, and comes when they report", async () => {
    await reportAs("encoder");
    const waiting = await ask(`${api.url}/readyz`);
    expect([waiting.status, waiting.body["code"]]).toEqual([503, "not-ready"]);
    expect(waiting.body["detail"]).toBe("No signer has reported for 10 s: start one.");
    expect(waiting.body["checks"]).toContainEqual({ name: "role encoder", ok: true, detail: "" });
    await reportAs("signer");
    const ready = await ask(`${api.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(ready.headers.get("cache-control")).toBe("no-store");
  });

  test("needs a media folder that can be written to, with room left", async () => {
    const full = await origin.startApi({ requiredRoles: [], freeBytesMin: 1e18 });
    const noRoom = await ask(`${full.url}/readyz`);
    expect([noRoom.status, noRoom.body["detail"]]).toEqual([
      503,
      expect.stringMatching(/^The media disk has \d+ MB left, 1000000000000 MB are needed\.$/),
    ]);
    const file = join(origin.dir, "not-a-folder");
    await writeFile(file, "");
    const broken = await origin.startApi({ requiredRoles: [], mediaRoot: file });
    expect((await ask(`${broken.url}/readyz`)).body["detail"]).toBe(
      "The media folder cannot be written to.",
    );
    await rm(file);
  });

  test("warns while media take nearly all of their room, and fails when the disk is full", async () => {
    const own = await TestOrigin.start();
    const warned = await own.startApi({ requiredRoles: ["ingest"] });
    const room = { usedBytes: 9e6, limitBytes: 1e7, freeBytes: 5e7 };
    const ingest = new RoleStatus(own.redis, "ingest", "i1");
    await ingest.report({ publishers: [], disk: { level: "high", ...room } });
    const high = await ask(`${warned.url}/readyz`);
    expect([high.status, high.body["checks"]]).toEqual([
      200,
      expect.arrayContaining([
        {
          ...{ name: "media room", ok: true },
          detail: "The media take 9 of 10 MB: keep fewer segments, or give them more room.",
        },
      ]),
    ]);
    await ingest.report({ publishers: [], disk: { level: "full", ...room } });
    const full = await ask(`${warned.url}/readyz`);
    expect([full.status, full.body["detail"]]).toEqual([
      503,
      "The disk of the media is full: segments are lost until there is room.",
    ]);
    const metrics = await (await fetch(`${warned.url}/metrics`)).text();
    expect(metrics).toContain('starling_media_disk_bytes{kind="used"} 9000000');
    expect(metrics).toContain('starling_media_disk_level{level="full"} 1');
    expect(metrics).toContain('starling_media_disk_level{level="ok"} 0');
    await own.stop();
  });

  test("says which streams go out without their ladder, and goes on", async () => {
    const some = await origin.startApi({ requiredRoles: [] });
    const publishers = [
      { stream: "low", ladderRefusal: null },
      { stream: "high", ladderRefusal: "It takes about 3.0 cores." },
    ];
    await reportAs("ingest", { publishers });
    const ready = await ask(`${some.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(ready.body["checks"]).toContainEqual({
      ...{ name: "ladders", ok: true },
      detail: 'Stream "high" goes out without its ladder. It takes about 3.0 cores.',
    });
  });

  test("is not the same as being alive", async () => {
    const lonely = await origin.startApi({ requiredRoles: ["nobody"] });
    expect((await ask(`${lonely.url}/healthz`)).body).toEqual({ status: "alive" });
    expect((await ask(`${lonely.url}/readyz`)).status).toBe(503);
  });
});

describe("the metrics", () => {
  test("tell of streams, queues, roles and requests, by route and never by id", async () => {
    await origin.registry.create({ id: "metered" });
    const bytes = new Uint8Array(100);
    await origin.publish({ stream: "metered", session: "s", index: "init", bytes });
    await origin.publish({ stream: "metered", session: "s", index: 0, bytes });
    await reportAs("encoder", { blocks: 12, version: "1.0" });
    const fresh = await origin.startApi();
    await ask(`${fresh.url}/live/metered/0.m4s`);
    const response = await fetch(`${fresh.url}/metrics`);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
    const text = await response.text();
    for (const line of [
      'starling_streams{state="live"} 1',
      'starling_queue_jobs{queue="encode",state="waiting"} 0',
      'starling_jobs_dead{queue="sign"} 0',
      'starling_peers{role="viewer"} 0',
      'starling_http_media_bytes_total{kind="segment"} 100',
      'starling_role_stat{role="encoder",stat="blocks"} 12',
      'route="/live/:stream/:block.m4s"',
      "starling_offload_ratio",
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain("metered");
    expect((await fetch(`${fresh.url}/metrics`)).status).toBe(200);
  });

  test("tell when certificates of signing keys end, once a root key made one", async () => {
    const api = await origin.startApi();
    const metrics = async () => (await fetch(`${api.url}/metrics`)).text();
    const name = "starling_key_certificate_end_timestamp_seconds";
    expect(await metrics()).not.toContain(`${name}{`);
    const [key] = (await readJwks(origin.redis)).keys;
    const { kid = "", x: publicKey = "" } = key ?? {};
    const claims = {
      publicKey,
      purpose: "token",
      issuedAtS: 1,
      expiresAtS: 1_900_000_000,
    } as const;
    const secretKey = new Uint8Array(32).fill(3);
    const sign = (message: Uint8Array) => nobleCrypto.sign(message, secretKey);
    await certifyKey(origin.redis, kid, signKeyCertificate(claims, "root", sign));
    expect(await metrics()).toContain(`${name}{purpose="token",kid="${kid}"} 1900000000`);
  });
});

describe("a dead job", () => {
  test("is shown to the operator and to nobody else", async () => {
    await origin.registry.create({ id: "broken" });
    const bytes = new Uint8Array(10);
    const record = await origin.publish({ stream: "broken", session: "s", index: "init", bytes });
    const queue = createEncodeQueue(origin.redis);
    const fail = async () => {
      throw new Error("the disk is on fire");
    };
    const worker = createEncodeWorker(origin.redis, fail, { concurrency: 1 });
    const died = new Promise<void>((resolve) => {
      worker.on("failed", (job) => {
        if (job !== undefined && job.attemptsMade >= (job.opts.attempts ?? 0)) resolve();
      });
    });
    await enqueueEncode(queue, record);
    await died;
    await worker.close();
    await queue.close();

    const headers = bearer(origin.apiKey);
    const { body } = await ask(`${api.url}/api/v1/jobs/dead`, { headers });
    expect(body["jobs"]).toEqual([
      expect.objectContaining({ queue: "encode", reason: "the disk is on fire", attempts: 5 }),
    ]);
    expect((await ask(`${api.url}/api/v1/jobs/dead`)).status).toBe(401);
  });
});

describe("the public status", () => {
  test("gives a broadcaster time for two segments, however long they are", async () => {
    await origin.registry.create({ id: "slow" });
    const part = { stream: "slow", session: "s", bytes: new Uint8Array(10) };
    const tenSecondsAgo = Date.now() - 10_000;
    await origin.publish({ ...part, index: "init" }, tenSecondsAgo);
    await origin.publish({ ...part, index: 0, durationMs: 8000 }, tenSecondsAgo);
    const { body } = await ask(`${api.url}/api/v1/streams/slow/status`);
    expect(body["state"]).toBe("live");
    await origin.registry.delete("slow");
  });

  test("lists streams on air that are open, counts the others, tells no secret", async () => {
    const hidden = await origin.registry.create({ id: "members", access: "backend" });
    const bytes = new Uint8Array(10);
    await origin.publish({ stream: "members", session: "s", index: "init", bytes });
    await origin.publish({ stream: "members", session: "s", index: 0, bytes });
    const fresh = await origin.startApi();
    const { body } = await ask(`${fresh.url}/api/v1/status`);
    expect(body).toMatchObject({ live: 2, peers: 0 });
    expect(body["streams"]).toEqual([
      expect.objectContaining({ id: "metered", title: "metered", state: "live", viewers: 0 }),
    ]);
    expect(JSON.stringify(body)).not.toContain(hidden.streamKey);
    const one = await ask(`${fresh.url}/api/v1/streams/members/status`);
    expect(one.body).toMatchObject({ id: "members", state: "live" });
    expect((await ask(`${fresh.url}/api/v1/streams/none/status`)).status).toBe(404);
  });
});

describe("without Redis", () => {
  test("the API says so at once instead of hanging, and still closes", async () => {
    const own = await TestOrigin.start();
    const cut = await own.startApi();
    await own.loseRedis();
    const answer = await ask(`${cut.url}/live/any/media.m3u8`);
    expect([answer.status, answer.body["code"]]).toEqual([503, "redis-unreachable"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask(`${cut.url}/healthz`)).status).toBe(200);
    const ready = await ask(`${cut.url}/readyz`);
    expect([ready.status, ready.body["detail"]]).toEqual([503, "Redis does not answer."]);
    await own.stop();
  });

  test("the API closes although it cannot hand back its peers' seats", async () => {
    const own = await TestOrigin.start();
    const cut = await own.startApi();
    await own.registry.create({ id: "cut" });
    const { peer } = await TestPeer.join(cut, "cut");
    await own.loseRedis();
    await cut.close();
    expect(await peer.closed).toBe(1001);
    await own.stop();
  });
});

describe("an API whose port is taken", () => {
  test("leaves nothing behind", async () => {
    const connections = async () => String(await origin.redis.client("LIST")).split("\n").length;
    const before = await connections();
    await expect(origin.startApi({ port: api.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    while ((await connections()) > before) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

describe("an option with which no peer could join", () => {
  test.each([
    [{ iceServers: [{ urls: "stun.example" }] }, "ice-server-invalid"],
    [{ seedsMax: 40, viewersMax: 40 }, "introductions-too-many"],
    [{ publicUrl: "live.example" }, "public-url-invalid"],
  ])("%j is refused at the start", async (options, code) => {
    await expect(origin.startApi(options)).rejects.toMatchObject({ code });
  });
});
