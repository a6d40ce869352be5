import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { INIT_PART, toHex } from "../core/index.ts";
import { ManifestLog } from "../pipeline/index.ts";
import { ask, type TestApi, TestOrigin } from "./test-origin.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
const segment = new Uint8Array(randomBytes(5000));
const init = new Uint8Array(randomBytes(700));

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  await origin.registry.create({ id: "demo" });
  await origin.registry.create({ id: "quiet" });
  await origin.publish({ stream: "demo", session: "one", index: "init", bytes: init });
  for (const index of [0, 1, 2]) {
    await origin.publish({ stream: "demo", session: "one", index, bytes: segment });
  }
});
afterAll(() => origin.stop());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${api.url}${path}`, { headers });
const bytesOf = async (response: Response) => toHex(new Uint8Array(await response.arrayBuffer()));

describe("a playlist", () => {
  test("lists the live window and may not be cached", async () => {
    const response = await get("/live/demo/media.m3u8");
    expect(response.headers.get("content-type")).toMatch(/^application\/vnd\.apple\.mpegurl/);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const text = await response.text();
    expect(text).toContain("#EXT-X-MEDIA-SEQUENCE:0\n");
    expect(text).toContain('#EXT-X-MAP:URI="init-0.mp4"\n');
    expect(text.match(/^\d+\.m4s$/gm)).toEqual(["0.m4s", "1.m4s", "2.m4s"]);
    expect(text).not.toContain("#EXT-X-ENDLIST");
  });

  test("shows a new segment within a moment, and no more than its window", async () => {
    const small = await origin.startApi({ playlistWindow: 2 });
    const names = async () => {
      const text = await (await fetch(`${small.url}/live/demo/media.m3u8`)).text();
      return text.match(/^\d+\.m4s$/gm);
    };
    expect(await names()).toEqual(["1.m4s", "2.m4s"]);
    await origin.publish({ stream: "demo", session: "one", index: 3, bytes: segment });
    let seen = await names();
    for (let tries = 0; seen?.at(-1) !== "3.m4s" && tries < 200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      seen = await names();
    }
    expect(seen).toEqual(["2.m4s", "3.m4s"]);
  });

  test("of several renditions names the one there is, with its bitrate", async () => {
    const text = await (await get("/live/demo/master.m3u8")).text();
    expect(text).toContain(
      "#EXT-X-STREAM-INF:BANDWIDTH=40000,AVERAGE-BANDWIDTH=40000\nmedia.m3u8\n",
    );
  });

  test("is missing for a stream that is offline, and for one that does not exist", async () => {
    const quiet = await ask(`${api.url}/live/quiet/media.m3u8`);
    expect([quiet.status, quiet.body["code"]]).toEqual([404, "stream-offline"]);
    const none = await ask(`${api.url}/live/none/media.m3u8`);
    expect([none.status, none.body["code"]]).toEqual([404, "stream-not-found"]);
    expect(none.headers.get("cache-control")).toBe("no-store");
  });

  test("ends when no segment came for as long as the operator grants, and is gone a minute later", async () => {
    await origin.registry.create({ id: "over" });
    const part = { stream: "over", session: "s", bytes: segment };
    const old = Date.now() - 20_000;
    await origin.publish({ ...part, index: "init" }, old);
    await origin.publish({ ...part, index: 0 }, old);
    const patient = await (await fetch(`${api.url}/live/over/media.m3u8`)).text();
    expect(patient).not.toContain("#EXT-X-ENDLIST");
    const strict = await origin.startApi({ offlineAfterMs: 10_000 });
    const ended = await (await fetch(`${strict.url}/live/over/media.m3u8`)).text();
    expect(ended.trim().split("\n").at(-1)).toBe("#EXT-X-ENDLIST");
    const { body } = await ask(`${strict.url}/api/v1/streams/over/status`);
    expect(body["state"]).toBe("offline");

    await origin.registry.create({ id: "stale" });
    await origin.publish({ ...part, stream: "stale", index: "init" }, Date.now() - 121_000);
    await origin.publish({ ...part, stream: "stale", index: 0 }, Date.now() - 121_000);
    const gone = await ask(`${api.url}/live/stale/media.m3u8`);
    expect(gone.body["code"]).toBe("stream-offline");
  });
});

describe("a stream in several renditions", () => {
  const low = new Uint8Array(randomBytes(1000));
  const formats = [
    { codecs: "avc1.64001f,mp4a.40.2", widthPx: 1280, heightPx: 720, fps: 29.97 },
    { codecs: "mp4a.40.2" },
  ];
  beforeAll(async () => {
    await origin.registry.create({ id: "rungs" });
    const part = { stream: "rungs", bytes: segment, others: [low] };
    await origin.publish({ ...part, session: "a", index: "init", formats });
    for (const index of [0, 1]) await origin.publish({ ...part, session: "a", index });
  });

  test("has a master playlist that says what each of them is and takes", async () => {
    expect((await (await get("/live/rungs/master.m3u8")).text()).split("\n")).toEqual([
      ...["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"],
      '#EXT-X-STREAM-INF:BANDWIDTH=40000,AVERAGE-BANDWIDTH=40000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970',
      "media.m3u8",
      '#EXT-X-STREAM-INF:BANDWIDTH=8000,AVERAGE-BANDWIDTH=8000,CODECS="mp4a.40.2"',
      "1/media.m3u8",
      "",
    ]);
  });

  test("has the files of each, under the same numbers", async () => {
    const text = await (await get("/live/rungs/1/media.m3u8")).text();
    expect(text.match(/^.*(?:m4s|MAP).*$/gm)).toEqual([
      '#EXT-X-MAP:URI="init-0.mp4"',
      "0.m4s",
      "1.m4s",
    ]);
    expect(await bytesOf(await get("/live/rungs/1/1.m4s"))).toBe(toHex(low));
    expect(await bytesOf(await get("/live/rungs/1.m4s"))).toBe(toHex(segment));
    expect((await get("/live/rungs/1/init-0.mp4")).status).toBe(200);
    for (const path of ["0/media.m3u8", "8/media.m3u8", "x/media.m3u8", "2/0.m4s", "01/0.m4s"]) {
      expect([path, (await get(`/live/rungs/${path}`)).status]).toEqual([path, 404]);
    }
  });

  test("plays on in the better one when the next publish session has fewer", async () => {
    await origin.publish({ stream: "rungs", session: "b", index: "init", bytes: segment });
    await origin.publish({ stream: "rungs", session: "b", index: 0, bytes: segment });
    let text = "";
    while (!text.includes("2.m4s")) text = await (await get("/live/rungs/1/media.m3u8")).text();
    expect(text).toContain('#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="../init-2.mp4"\n');
    expect(text).toContain("\n../2.m4s\n");
    expect(await (await get("/live/rungs/master.m3u8")).text()).not.toContain("1/media.m3u8");
  });
});

describe("a segment", () => {
  test("is served whole, immutable, with a strong ETag", async () => {
    const response = await get("/live/demo/1.m4s");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("video/mp4");
    expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
    expect(response.headers.get("etag")).toBe('"one-1"');
    expect(response.headers.get("accept-ranges")).toBe("bytes");
    expect(await bytesOf(response)).toBe(toHex(segment));
    expect(await bytesOf(await get("/live/demo/init-0.mp4"))).toBe(toHex(init));
  });

  test("that the client has is not sent again", async () => {
    // fetch() adds Cache-Control: no-cache to a conditional request, so ask by hand.
    const headers = { "If-None-Match": '"one-1"' };
    const [response] = (await once(
      request(`${api.url}/live/demo/1.m4s`, { headers }).end(),
      "response",
    )) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(304);
    expect(response.headers.etag).toBe('"one-1"');
  });

  test("is served in ranges", async () => {
    const response = await get("/live/demo/1.m4s", { Range: "bytes=100-199" });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe("bytes 100-199/5000");
    expect(await bytesOf(response)).toBe(toHex(segment.subarray(100, 200)));
    const outside = await ask(`${api.url}/live/demo/1.m4s`, { headers: { Range: "bytes=9000-" } });
    expect([outside.status, outside.body["code"]]).toEqual([416, "range-not-satisfiable"]);
    expect(outside.headers.get("content-range")).toBe("bytes */5000");
  });

  test("that is unknown, lost from the disk or spelled otherwise is not found and not cached", async () => {
    await origin.registry.create({ id: "lost" });
    await origin.publish({ stream: "lost", session: "l", index: "init", bytes: init });
    await rm(join(origin.mediaRoot, "lost/l/init.mp4"));
    for (const path of [
      "demo/99.m4s",
      "demo/01.m4s",
      "demo/-1.m4s",
      "demo/99999999999.m4s",
      "lost/init-0.mp4",
    ]) {
      const answer = await ask(`${api.url}/live/${path}`);
      expect([path, answer.status, answer.body["code"]]).toEqual([path, 404, "media-not-found"]);
      expect([answer.headers.get("cache-control"), answer.headers.get("etag")]).toEqual([
        "no-store",
        null,
      ]);
    }
  });

  test("cannot be used to read other files", async () => {
    await writeFile(join(origin.dir, "secret.m4s"), "secret");
    const climbs = [
      "/live/demo/..%2f..%2fsecret.m4s",
      "/live/..%2f..%2fsecret/1.m4s",
      "/live/demo/%2e%2e/%2e%2e/secret.m4s",
      "/player/..%2f..%2fpackage.json",
      "/player/%2e%2e%2fpackage.json",
    ];
    for (const path of climbs) {
      const response = await get(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.text()).not.toContain('secret"');
    }
  });
});

describe("a segment that is too large for one block", () => {
  const large = new Uint8Array(randomBytes(13_000_001));
  beforeAll(async () => {
    await origin.registry.create({ id: "large" });
    const common = { stream: "large", session: "one" };
    await origin.publish({ ...common, index: "init", bytes: init });
    await origin.publish({ ...common, index: 0, bytes: large });
  });

  test("is listed and served whole", async () => {
    const playlist = await (await get("/live/large/media.m3u8")).text();
    expect(playlist.match(/^\S+\.m4s$/gm)).toEqual(["0.m4s"]);
    expect(playlist).toContain("#EXTINF:1.000,");
    expect(await (await get("/live/large/master.m3u8")).text()).toContain("BANDWIDTH=104000008,");
    expect((await bytesOf(await get("/live/large/0.m4s"))) === toHex(large)).toBe(true);
  });

  test("is served by its parts too, each with a manifest of its own", async () => {
    const parts = [large.subarray(0, 6_500_001), large.subarray(6_500_001)];
    const log = new ManifestLog(origin.redis);
    for (const [part, bytes] of parts.entries()) {
      const response = await get(`/live/large/0-${part}.m4s`);
      expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
      expect((await bytesOf(response)) === toHex(bytes)).toBe(true);
      const range = await get(`/live/large/0-${part}.m4s`, { Range: "bytes=10-19" });
      expect(await bytesOf(range)).toBe(toHex(bytes.subarray(10, 20)));
      await log.publish("large", { rendition: 0, sequence: 0, part }, `part.${part}.x`);
      expect(await (await get(`/live/large/0-${part}.manifest`)).text()).toBe(`part.${part}.x`);
    }
    expect(await (await get("/live/large/0.manifest")).text()).toBe("part.0.x");
    for (const name of ["0-2.m4s", "0-00.m4s", "0-65535.m4s", "0-2.manifest"]) {
      expect([name, (await get(`/live/large/${name}`)).status]).toEqual([name, 404]);
    }
  });
});

test("media bytes sent are counted for the offload, headers and repeats excluded", async () => {
  const counting = await origin.startApi();
  await (await fetch(`${counting.url}/live/demo/0.m4s`)).arrayBuffer();
  await (await fetch(`${counting.url}/live/demo/0.m4s`, { method: "HEAD" })).text();
  const range = { headers: { Range: "bytes=0-9" } };
  await (await fetch(`${counting.url}/live/demo/0.m4s`, range)).arrayBuffer();
  const metrics = await (await fetch(`${counting.url}/metrics`)).text();
  expect(metrics).toContain('starling_http_media_bytes_total{kind="segment"} 5010');
});

describe("a manifest", () => {
  test("is served as it was signed, immutable", async () => {
    const log = new ManifestLog(origin.redis);
    await log.publish("demo", { rendition: 0, sequence: 1, part: 0 }, "a.b.c");
    await log.publish("demo", { rendition: 0, sequence: 0, part: INIT_PART }, "i.n.it");
    const response = await get("/live/demo/1.manifest");
    expect(await response.text()).toBe("a.b.c");
    expect(response.headers.get("content-type")).toMatch(/^application\/jose/);
    expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
    expect(await (await get("/live/demo/init-0.manifest")).text()).toBe("i.n.it");
    expect((await ask(`${api.url}/live/demo/2.manifest`)).body["code"]).toBe("media-not-found");
  });
});
