import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ApiKeys, ScratchRedis } from "./index.ts";

let scratch: ScratchRedis;
beforeAll(async () => {
  scratch = await ScratchRedis.start();
});
afterAll(() => scratch.stop());

describe("API keys", () => {
  test("are made first once, with all scopes", async () => {
    const keys = new ApiKeys(scratch.redis);
    const key = await keys.createFirst();
    expect(key).toMatch(/^starling-api-[a-z2-7]{10}-[a-z2-7]{40}$/);
    expect(await keys.createFirst()).toBeUndefined();
    expect(await keys.verify(key ?? "")).toMatchObject({ name: "first", scopes: ["admin"] });
  });

  test("are not kept: nothing in Redis opens anything", async () => {
    const keys = new ApiKeys(scratch.redis);
    const { apiKey, key } = await keys.create({ name: "site", scopes: ["tokens"], perMinute: 5 });
    const secret = key.slice(key.lastIndexOf("-") + 1);
    const dump = JSON.stringify(await scratch.redis.hgetall("starling:api-keys:scrypt"));
    expect(dump).toContain(apiKey.id);
    expect(dump).not.toContain(secret);
    expect(JSON.stringify(await keys.list())).not.toContain("hash");
  });

  test("are refused with a wrong secret, before and after the right one was seen, and once deleted", async () => {
    const keys = new ApiKeys(scratch.redis);
    const { apiKey, key } = await keys.create({ name: "site", scopes: ["tokens"] });
    const wrong = `${key.slice(0, -1)}${key.endsWith("a") ? "b" : "a"}`;
    expect(await keys.verify(wrong)).toBeUndefined();
    for (const _time of [1, 2]) expect(await keys.verify(key)).toEqual(apiKey);
    expect(await keys.verify(wrong)).toBeUndefined();
    for (const none of ["", "starling-api-x", key.toUpperCase(), `${key} `]) {
      expect(await keys.verify(none)).toBeUndefined();
    }
    expect(await keys.delete(apiKey.id)).toBe(true);
    expect(await keys.verify(key)).toBeUndefined();
    expect(await keys.delete(apiKey.id)).toBe(false);
  });
});
