import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ask, bearer, posting, type TestApi, TestOrigin } from "./test-origin.ts";

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
});
afterAll(() => origin.stop());

const create = (body: unknown, key: string | undefined = origin.apiKey) =>
  ask(`${api.url}/api/v1/streams`, posting(body, key));

describe("administration of streams", () => {
  test("is refused without a key and with a wrong one, and says how to do better", async () => {
    const missing = await ask(`${api.url}/api/v1/streams`);
    expect([missing.status, missing.body["code"]]).toEqual([401, "api-key-missing"]);
    expect(missing.headers.get("www-authenticate")).toBe('Bearer realm="starling"');

    const wrongKey = "starling-api-wrong";
    const wrong = await ask(`${api.url}/api/v1/streams`, { headers: bearer(wrongKey) });
    expect([wrong.status, wrong.body["code"]]).toEqual([401, "api-key-wrong"]);
    expect(JSON.stringify(wrong.body)).not.toContain(wrongKey);
  });

  test("refuses the internal key: other roles administer nothing", async () => {
    const answer = await ask(`${api.url}/api/v1/streams`, { headers: bearer(origin.internalKey) });
    expect(answer.status).toBe(401);
  });

  test("creates, lists, shows, gives a new key and deletes", async () => {
    const created = await create({ id: "town-hall", title: "Town hall" });
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe("/api/v1/streams/town-hall");
    expect(created.body).toMatchObject({ id: "town-hall", title: "Town hall", access: "open" });
    expect(created.body["streamKey"]).toMatch(/^town-hall_[a-z2-7]{32}$/);

    const url = `${api.url}/api/v1/streams/town-hall`;
    const headers = bearer(origin.apiKey);
    const shown = await ask(url, { headers });
    expect(shown.body).toEqual(created.body);
    for (const answer of [created, shown]) {
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    const list = await ask(`${api.url}/api/v1/streams`, { headers });
    expect(list.body["streams"]).toEqual([created.body]);

    const rotated = await ask(`${url}/key`, { method: "POST", headers });
    expect(rotated.body["streamKey"]).toMatch(/^town-hall_[a-z2-7]{32}$/);
    expect(rotated.body["streamKey"]).not.toBe(created.body["streamKey"]);

    const segment = { stream: "town-hall", session: "s1", bytes: new Uint8Array(8) };
    await origin.publish({ ...segment, index: "init" });
    const record = await origin.publish({ ...segment, index: 0 });
    expect((await ask(url, { method: "DELETE", headers })).status).toBe(204);
    expect((await ask(url, { headers })).body["code"]).toBe("stream-not-found");
    expect(await origin.timeline.get("town-hall", record.block)).toBeUndefined();
  });

  test("refuses a second stream of the same id", async () => {
    expect((await create({ id: "twice" })).status).toBe(201);
    const second = await create({ id: "twice" });
    expect([second.status, second.body["code"]]).toEqual([409, "stream-exists"]);
  });
});

describe("the renditions of a stream", () => {
  test("are chosen, changed, and left to the origin again", async () => {
    const created = await create({ id: "rungs", renditions: "720p@2000,360p,audio" });
    expect(created.body["renditions"]).toBe("720p@2000,360p,audio");
    const change = (body: unknown) =>
      ask(`${api.url}/api/v1/streams/rungs`, { ...posting(body, origin.apiKey), method: "PATCH" });
    const retitled = await change({ title: "Rungs" });
    expect([retitled.status, retitled.body]).toEqual([200, { ...created.body, title: "Rungs" }]);
    expect((await change({ renditions: "ladder" })).body["renditions"]).toBe("ladder");
    expect((await change({ renditions: null })).body["renditions"]).toBeNull();
    for (const renditions of ["721", "ladder,720p", "9p", Array(9).fill("720p").join(",")]) {
      const refused = await change({ renditions });
      expect([renditions, refused.status]).toEqual([renditions, 400]);
      expect(refused.body["detail"]).toContain("720p@2500");
    }
    expect((await change({ id: "other" })).body["code"]).toBe("request-invalid");
  });
});

describe("a bad request", () => {
  test("names the unknown field, the bad field and what was expected", async () => {
    const unknown = await create({ id: "fine", colour: "red" });
    expect([unknown.status, unknown.body["code"]]).toEqual([400, "request-invalid"]);
    expect(unknown.body["detail"]).toBe('Unknown field "colour".');
    const bad = await create({ id: "Not Fine" });
    expect(bad.body["detail"]).toMatch(/^Field "id": expected 1-64 lower-case letters/);
    expect((await create(undefined)).body["code"]).toBe("request-invalid");
  });

  test("is told apart by status: not JSON, wrong type, too large", async () => {
    const send = (body: string, type: string) =>
      ask(`${api.url}/api/v1/streams`, {
        method: "POST",
        body,
        headers: { "Content-Type": type, ...bearer(origin.apiKey) },
      });
    const answers = await Promise.all([
      send("{", "application/json"),
      send("id=a", "application/x-www-form-urlencoded"),
      send(JSON.stringify({ id: "a", title: "x".repeat(20_000) }), "application/json"),
    ]);
    expect(answers.map(({ status, body }) => [status, body["code"]])).toEqual([
      [400, "body-not-json"],
      [415, "body-type-unsupported"],
      [413, "body-too-large"],
    ]);
  });

  test("is answered as problem details of RFC 9457, without the query", async () => {
    const { headers, body, status } = await ask(`${api.url}/nowhere?token=secret`);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(body).toEqual({
      requestId: headers.get("x-request-id"),
      type: "urn:starling:problem:route-not-found",
      title: "There is nothing at this address",
      status: 404,
      detail: "See /docs for what there is.",
      instance: "/nowhere",
      code: "route-not-found",
    });
  });

  test("with a method that the path does not have learns the ones it has", async () => {
    const answer = await ask(`${api.url}/api/v1/streams`, { method: "PUT" });
    expect([answer.status, answer.body["code"]]).toEqual([405, "method-not-allowed"]);
    expect(answer.headers.get("allow")).toBe("POST, GET, HEAD, OPTIONS");
    const preflight = await ask(`${api.url}/api/v1/streams`, { method: "OPTIONS" });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
  });

  test("with a path that does not decode is refused, not a crash", async () => {
    const answer = await ask(`${api.url}/api/v1/streams/%zz`);
    expect([answer.status, answer.body["code"]]).toEqual([400, "request-invalid"]);
  });

  test("that guesses keys is slowed down, at all API processes together", async () => {
    const other = await origin.startApi();
    const headers = bearer("starling-api-wrong");
    const statuses = new Set<number>();
    for (let guess = 0; guess < 22; guess += 1) {
      const { url } = guess % 2 === 0 ? api : other;
      statuses.add((await ask(`${url}/api/v1/streams`, { headers })).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    const refused = await ask(`${other.url}/api/v1/streams`, { headers });
    expect(refused.headers.get("ratelimit-policy")).toBe('"api-key-guesses";q=20;w=100');
    expect(refused.headers.get("ratelimit")).toMatch(/^"api-key-guesses";r=0;t=\d+$/);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
