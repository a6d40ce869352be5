import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ask, bearer, posting, type TestApi, TestOrigin } from "./test-origin.ts";
import { TestPeer } from "./test-peer.ts";

const SITE = "https://www.example";
const OTHER = "https://other.example";

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  for (const [id, origins] of [
    ["guarded", [SITE]],
    ["open", []],
  ] as const) {
    await origin.registry.create({ id, origins });
    const bytes = Uint8Array.of(1);
    await origin.publish({ stream: id, session: "s", index: "init", bytes });
    await origin.publish({ stream: id, session: "s", index: 0, bytes });
  }
});
afterAll(() => origin.stop());

/** Status, and the site that a browser lets read the answer. */
async function read(
  path: string,
  site: string | undefined,
  init: RequestInit = {},
): Promise<[status: number, site: string | null, vary: string | null]> {
  const headers = { ...init.headers, ...(site === undefined ? {} : { Origin: site }) };
  const { status, headers: told } = await ask(`${api.url}${path}`, { ...init, headers });
  return [status, told.get("Access-Control-Allow-Origin"), told.get("Vary")];
}

const PATHS = ["/live/guarded/media.m3u8", "/live/guarded/0.m4s", "/api/v1/streams/guarded/status"];

describe("a stream that names its sites", () => {
  test.each(PATHS)("lets their pages alone read %s", async (path) => {
    expect(await read(path, SITE)).toEqual([200, SITE, "Origin"]);
    expect(await read(path, OTHER)).toEqual([200, null, "Origin"]);
    expect(await read(path, "null")).toEqual([200, null, "Origin"]);
    expect(await read(path, undefined)).toEqual([200, null, "Origin"]);
  });

  test("lets pages of this origin itself read it", async () => {
    expect(await read("/live/guarded/media.m3u8", api.url)).toEqual([200, api.url, "Origin"]);
  });

  test("answers preflights of their pages alone, and tells those what may be sent", async () => {
    const path = "/api/v1/streams/guarded/tokens";
    const method = "OPTIONS";
    const asked = {
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type",
    };
    expect(await read(path, SITE, { method, headers: asked })).toEqual([204, SITE, "Origin"]);
    expect(await read(path, OTHER, { method, headers: asked })).toEqual([204, null, "Origin"]);
    const headers = { ...asked, Origin: SITE };
    const { headers: told } = await ask(`${api.url}${path}`, { method, headers });
    expect(told.get("Access-Control-Allow-Methods")).toContain("POST");
    expect(told.get("Access-Control-Allow-Headers")).toContain("Content-Type");
  });

  test("keeps refusals from other pages too", async () => {
    expect(await read("/live/guarded/99.m4s", SITE)).toEqual([404, SITE, "Origin"]);
    expect(await read("/live/guarded/99.m4s", OTHER)).toEqual([404, null, "Origin"]);
  });

  test("lets their pages, its own and what is no page into the mesh", async () => {
    for (const site of [SITE, api.url, undefined]) {
      const headers = site === undefined ? {} : { Origin: site };
      const peer = await TestPeer.connect(api, headers);
      const { neighbours } = await peer.joinWith(await peer.askToken(api, "guarded"));
      expect(neighbours).toEqual([]);
      peer.close();
      await peer.closed;
    }
    const peer = await TestPeer.connect(api, { Origin: OTHER });
    await peer.sendJoin(await peer.askToken(api, "guarded"));
    expect(await peer.refusal()).toBe("site-refused");
  });

  test("takes other sites for them while it runs", async () => {
    const url = `${api.url}/api/v1/streams/guarded`;
    const changing = (body: object, key?: string): RequestInit => ({
      ...posting(body, key),
      method: "PATCH",
    });
    const change = await ask(url, changing({ origins: [OTHER] }, origin.apiKey));
    expect(change.body).toMatchObject({ id: "guarded", origins: [OTHER] });
    const path = "/live/guarded/media.m3u8";
    while ((await read(path, OTHER))[1] !== OTHER);
    expect(await read(path, SITE)).toEqual([200, null, "Origin"]);
    expect((await ask(url, changing({ origins: [] }))).status).toBe(401);
  });
});

describe("a stream that names none", () => {
  test("lets all pages read and join", async () => {
    expect(await read("/live/open/media.m3u8", OTHER)).toEqual([200, "*", null]);
    const peer = await TestPeer.connect(api, { Origin: OTHER });
    await peer.joinWith(await peer.askToken(api, "open"));
    peer.close();
  });
});

test.each([
  "https://www.example/",
  "www.example",
  "*",
  "null",
  "ftp://a.example",
  "https://A.example",
])("%s is no site", async (site) => {
  const body = { id: "wrong", origins: [site] };
  const answer = await ask(`${api.url}/api/v1/streams`, posting(body, origin.apiKey));
  expect([answer.status, answer.body["code"]]).toEqual([400, "request-invalid"]);
  const headers = bearer(origin.apiKey);
  expect((await ask(`${api.url}/api/v1/streams/wrong`, { headers })).status).toBe(404);
});
