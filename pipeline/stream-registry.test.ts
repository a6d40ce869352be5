import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import {
  internalKey,
  PublishSessions,
  publishKey,
  RoleStatus,
  readJwks,
  ScratchRedis,
  StreamRegistry,
} from "./index.ts";

let scratch: ScratchRedis;
let redis: Redis;

beforeAll(async () => {
  scratch = await ScratchRedis.start();
  redis = scratch.redis;
});
afterAll(() => scratch.stop());
beforeEach(async () => {
  await redis.flushall();
});

describe("StreamRegistry", () => {
  test("makes a stream whose key, and no other, may publish", async () => {
    const registry = new StreamRegistry(redis);
    const stream = await registry.create({ id: "demo" });
    expect(stream.streamKey).toMatch(/^demo_[a-z2-7]{32}$/);
    expect(await registry.authorise(stream.streamKey)).toEqual(stream);
    for (const wrong of ["", "demo", "demo_", `${stream.streamKey}x`, "_", "other_abc"]) {
      expect(await registry.authorise(wrong)).toBeUndefined();
    }
    const { streamKey } = await registry.rotateKey("demo");
    expect(await registry.authorise(stream.streamKey)).toBeUndefined();
    expect((await registry.authorise(streamKey))?.id).toBe("demo");
  });

  test("lists streams by id and forgets a deleted one", async () => {
    const registry = new StreamRegistry(redis);
    await registry.create({ id: "b", title: "Second" });
    await registry.create({ id: "a", access: "backend" });
    expect((await registry.list()).map(({ id, title }) => [id, title])).toEqual([
      ["a", "a"],
      ["b", "Second"],
    ]);
    expect(await registry.delete("a")).toBe(true);
    expect(await registry.delete("a")).toBe(false);
    expect(await registry.get("a")).toBeUndefined();
    await expect(registry.rotateKey("a")).rejects.toMatchObject({ code: "stream-unknown" });
  });

  test("refuses an id that is taken or malformed", async () => {
    const registry = new StreamRegistry(redis);
    await registry.create({ id: "demo" });
    await expect(registry.create({ id: "demo" })).rejects.toMatchObject({ code: "stream-exists" });
    for (const id of ["", "Demo", "-a", "a/b", "a".repeat(65)]) {
      await expect(registry.create({ id })).rejects.toMatchObject({ code: "stream-id-invalid" });
    }
  });
});

describe("PublishSessions", () => {
  test("lets one publisher in at a time, and the next when it has closed", async () => {
    const sessions = new PublishSessions(redis);
    const first = await sessions.open("demo", { filler: false });
    const busy = expect(sessions.open("demo", { filler: false })).rejects;
    await busy.toMatchObject({ code: "publisher-busy" });
    expect(await first.renew()).toBe(true);
    expect((await sessions.current("demo"))?.session).toBe(first.id);
    await first.close();
    expect(await sessions.current("demo")).toBeUndefined();
    const second = await sessions.open("demo", { filler: false });
    expect(second.id).not.toBe(first.id);
    await first.close(); // A late close does not end the session of another.
    expect(await second.renew()).toBe(true);
  });

  test("lets a real publisher evict a filler, and no filler anyone", async () => {
    const sessions = new PublishSessions(redis);
    const filler = await sessions.open("demo", { filler: true });
    await expect(sessions.open("demo", { filler: true })).rejects.toMatchObject({
      code: "publisher-busy",
    });
    const real = await sessions.open("demo", { filler: false });
    expect(await filler.renew()).toBe(false);
    expect(await real.renew()).toBe(true);
    await expect(sessions.open("demo", { filler: true })).rejects.toMatchObject({
      code: "publisher-busy",
    });
  });

  test("ends a lease that is not renewed", async () => {
    const sessions = new PublishSessions(redis);
    const lost = await sessions.open("demo", { filler: false, leaseMs: 50 });
    while (await sessions.current("demo")) await new Promise((next) => setTimeout(next, 10));
    expect(await lost.renew()).toBe(false);
    await sessions.open("demo", { filler: false });
  });
});

describe("the origin's secrets and signs of life", () => {
  test("gives all roles the same internal key", async () => {
    const keys = await Promise.all([internalKey(redis), internalKey(redis), internalKey(redis)]);
    expect(new Set(keys).size).toBe(1);
  });

  test("publishes public keys and refuses a private one", async () => {
    const x = "A".repeat(43);
    const use = { alg: "EdDSA", use: "sig", starling_purpose: "manifest" } as const;
    const jwk = { kty: "OKP", crv: "Ed25519", x, kid: x, ...use } as const;
    await publishKey(redis, jwk);
    await publishKey(redis, jwk);
    expect(await readJwks(redis)).toEqual({ keys: [jwk] });
    await expect(publishKey(redis, { ...jwk, d: x } as typeof jwk)).rejects.toThrow();
  });

  test("sees the last report of every live role", async () => {
    const first = new RoleStatus(redis, "encoder", "1");
    await first.report({ done: 1 });
    await first.report({ done: 2 });
    await new RoleStatus(redis, "signer", "1").report({});
    const reports = await RoleStatus.all(redis);
    expect(reports.map(({ role, stats }) => [role, stats])).toEqual(
      expect.arrayContaining([
        ["encoder", { done: 2 }],
        ["signer", {}],
      ]),
    );
    expect(reports.length).toBe(2);
  });
});
