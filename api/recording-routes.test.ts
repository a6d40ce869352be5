import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Recordings, thumbnailPath } from "../pipeline/index.ts";
import { ask, bearer, type TestApi, TestOrigin } from "./test-origin.ts";

const COMPLETE = "20260101T120000Z";
const OPEN = "20260102T120000Z";
let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  await origin.registry.create({ id: "kept", recording: true });
  await writeRecording(COMPLETE, {
    [Recordings.PLAYLIST]: "#EXTM3U\n#EXTINF:1.5,\n0-000000000.m4s\n#EXT-X-ENDLIST\n",
    "0-000000000.m4s": "media",
    "recording.mp4": "0123456789",
    "runs.ffconcat": "work in progress",
  });
  await writeRecording(OPEN, { [Recordings.JOURNAL]: "#EXTINF:2,\n0-000000000.m4s\n" });
});
afterAll(() => origin.stop());

async function writeRecording(id: string, files: Readonly<Record<string, string>>): Promise<void> {
  const path = new Recordings(origin.mediaRoot).pathOf("kept", id);
  await mkdir(path, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
}

const url = (path = "") => `${api.url}/api/v1/streams/kept/recordings${path}`;
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(url(path), { headers: { ...bearer(origin.apiKey), ...headers } });

describe("the recordings of a stream", () => {
  test("are listed, oldest first, with where their files are", async () => {
    const folder = `/api/v1/streams/kept/recordings/${COMPLETE}`;
    const { body } = await ask(url(), { headers: bearer(origin.apiKey) });
    expect(body["recordings"]).toMatchObject([
      {
        ...{ id: COMPLETE, state: "complete", startedAt: "2026-01-01T12:00:00.000Z" },
        ...{ durationS: 1.5, playlist: `${folder}/media.m3u8` },
        downloads: [{ url: `${folder}/recording.mp4`, byteLength: 10 }],
      },
      { id: OPEN, state: "recording", durationS: 2, playlist: null, downloads: [] },
    ]);
  });

  test("are played and downloaded, also in ranges", async () => {
    const playlist = await get(`/${COMPLETE}/media.m3u8`);
    expect(playlist.headers.get("content-type")).toContain("mpegurl");
    expect(await playlist.text()).toContain("#EXT-X-ENDLIST");
    const segment = await get(`/${COMPLETE}/0-000000000.m4s`);
    expect(await segment.text()).toBe("media");
    const part = await get(`/${COMPLETE}/recording.mp4`, { Range: "bytes=2-4" });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    expect(part.headers.get("content-disposition")).toBe(
      `attachment; filename=kept-${COMPLETE}.mp4`,
    );
  });

  test.each([
    `/${COMPLETE}/runs.ffconcat`,
    `/${COMPLETE}/..%2F${OPEN}%2Fmedia.m3u8.part`,
    `/${COMPLETE}/recording-2.mp4`,
    `/${OPEN}/0-000000000.m4s`,
    "/20260103T120000Z/media.m3u8",
    "/..%2Fkept/media.m3u8",
  ])("have nothing at %s", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  test("are for the holder of a key only", async () => {
    for (const path of ["", `/${COMPLETE}/media.m3u8`]) {
      expect((await fetch(url(path))).status).toBe(401);
    }
  });

  test("can be deleted when they are complete", async () => {
    const remove = async (id: string) =>
      (await ask(url(`/${id}`), { method: "DELETE", headers: bearer(origin.apiKey) })).status;
    expect([await remove(COMPLETE), await remove(COMPLETE), await remove(OPEN)]).toEqual([
      204, 404, 404,
    ]);
  });
});

test("The picture of a stream is there for everybody while it is on air, and can be cached", async () => {
  const picture = (headers = {}) =>
    fetch(`${api.url}/api/v1/streams/kept/thumbnail.jpg`, { headers });
  expect(await (await picture()).json()).toMatchObject({ code: "stream-offline" });
  const bytes = new Uint8Array(1000);
  for (const index of ["init", 0] as const) {
    await origin.publish({ stream: "kept", session: "one", index, bytes });
  }
  // What is on air is looked at ten times a second.
  while ((await (await picture()).json()).code !== "media-not-found");
  const path = thumbnailPath(origin.mediaRoot, "kept");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "jpeg");
  const response = await picture();
  expect(response.headers.get("content-type")).toBe("image/jpeg");
  expect(response.headers.get("cache-control")).toBe("public, max-age=5");
  expect(await response.text()).toBe("jpeg");
  // fetch() would ask for a fresh one.
  const since = { "If-Modified-Since": response.headers.get("last-modified") ?? "" };
  const asked = request(response.url, { headers: since }).end();
  const [again]: [IncomingMessage] = (await once(asked, "response")) as [IncomingMessage];
  expect(again.statusCode).toBe(304);
  again.destroy();
});
