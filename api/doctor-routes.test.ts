import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ChildLogs, RoleStatus } from "../pipeline/index.ts";
import { ask, bearer, type TestApi, TestOrigin } from "./test-origin.ts";

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  await origin.registry.create({ id: "sick" });
});
afterAll(() => origin.stop());

const finding = { code: "b-frames", severity: "info", message: "It has.", cure: "Have none." };
const source = { fps: 30, audioHz: 48_000, audioChannels: 2, reorderMs: 66, lagMs: 4 };

function publisher(severity: string) {
  return {
    ...{ stream: "sick", session: "s1", filler: false, sinceMs: 2000, bitrateKbps: 3000 },
    ...{ gopS: 1, video: "H.264", audio: "AAC", segments: 3, lastSegmentAgeMs: 500 },
    source: { ...source, driftPpm: null, droppedShare: 0 },
    ffmpeg: { runs: 1, cpuCores: 0.02, memoryBytes: 5e7 },
    findings: [{ ...finding, severity, sinceMs: 1000 }],
  };
}

const look = () => ask(`${api.url}/api/v1/streams/sick/doctor`, { headers: bearer(origin.apiKey) });

test("the doctor tells what the ingest has found, with the cure, to the holder of a key", async () => {
  expect((await look()).body).toEqual({
    ...{ id: "sick", health: "offline", broadcast: null, findings: [] },
  });
  const ingest = new RoleStatus(origin.redis, "ingest", "i1");
  const refusals = [{ ...finding, stream: "sick", severity: "error", sinceMs: 1000 }];
  await ingest.report({ refusals, publishers: [{ ...publisher("info"), stream: "other" }] });
  expect((await look()).body).toMatchObject({
    health: "offline",
    findings: [{ ...finding, severity: "error" }],
  });
  await ingest.report({ refusals, publishers: [publisher("info")] });
  const { body } = await look();
  expect(body).toMatchObject({
    health: "healthy",
    broadcast: { session: "s1", since: "1970-01-01T00:00:02.000Z", source: { fps: 30 } },
    findings: [{ ...finding, since: "1970-01-01T00:00:01.000Z" }],
  });
  for (const [severity, health] of [
    ["warning", "warning"],
    ["error", "unhealthy"],
  ] as const) {
    await ingest.report({ refusals, publishers: [publisher(severity)] });
    expect((await look()).body["health"]).toBe(health);
  }
  expect((await ask(`${api.url}/api/v1/streams/sick/doctor`)).status).toBe(401);
});

test("what the ffmpeg of a stream has said is there for the holder of a key", async () => {
  const url = `${api.url}/api/v1/streams/sick/log`;
  const headers = bearer(origin.apiKey);
  expect((await ask(url, { headers })).body).toEqual({ lines: [] });
  await new ChildLogs(origin.redis).write("sick", ["one", "two"]);
  expect((await ask(url, { headers })).body).toEqual({ lines: ["one", "two"] });
  expect((await ask(url)).status).toBe(401);
});
