import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ask, posting, type TestApi, TestOrigin } from "./test-origin.ts";

let origin: TestOrigin;
let api: TestApi;
let key: string;
let otherKey: string;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  key = (await origin.registry.create({ id: "main" })).streamKey;
  otherKey = (await origin.registry.create({ id: "other" })).streamKey;
});
afterAll(() => origin.stop());

/** What MediaMTX sends for an SRT caller, changed. */
function question(change: object = {}): RequestInit {
  return posting({
    ...{ user: "x", password: key, token: "", ip: "192.0.2.1", action: "publish" },
    ...{ path: "live/main", protocol: "srt", id: "1", query: "", userAgent: "" },
    ...change,
  });
}

const answerTo = async (request: RequestInit) => {
  const { status, body } = await ask(`${api.url}/internal/front/auth`, request);
  expect(JSON.stringify(body)).not.toContain(key);
  return status;
};

test("a publisher with the key of the path's stream may come in, wherever the key stands", async () => {
  expect(await answerTo(question())).toBe(204);
  expect(await answerTo(question({ password: "", token: key }))).toBe(204);
  expect(await answerTo(question({ password: "", query: `user=x&pass=${key}` }))).toBe(204);
});

test.each<[string, () => object]>([
  ["a reader", () => ({ action: "read" })],
  ["another action", () => ({ action: "api" })],
  ["no key", () => ({ password: "" })],
  ["a wrong key", () => ({ password: `${key}x` })],
  ["the key of another stream", () => ({ password: otherKey })],
  ["another path", () => ({ path: "main" })],
  ["a path that climbs", () => ({ path: "live/../main" })],
  ["a path with more behind it", () => ({ path: "live/main/x" })],
  ["a stream that is not there", () => ({ path: "live/none", password: "none_secret" })],
])("%s is denied", async (_who, change) => {
  expect(await answerTo(question(change()))).toBe(401);
});

test.each<[string, RequestInit]>([
  ["an empty body", { method: "POST" }],
  ["a body of another kind", { method: "POST", body: "action=publish" }],
  ["a field of another kind", posting({ action: "publish", path: ["live/main"] })],
])("%s is denied", async (_what, request) => {
  expect(await answerTo(request)).toBeGreaterThanOrEqual(400);
});

test("without Redis everybody is denied", async () => {
  const own = await TestOrigin.start();
  const cut = await own.startApi();
  await own.loseRedis();
  expect((await ask(`${cut.url}/internal/front/auth`, question())).status).toBe(503);
  await own.stop();
});
