import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { nobleCrypto, toBase64Url } from "../core/index.ts";
import { ask, posting, type TestApi, TestOrigin } from "./test-origin.ts";
import { TestPeer } from "./test-peer.ts";

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  await origin.registry.create({ id: "open" });
  await origin.registry.create({ id: "paid", access: "backend" });
});
afterAll(() => origin.stop());

const publicKey = toBase64Url(nobleCrypto.publicKeyOf(new Uint8Array(32).fill(7)));
const askToken = (stream: string, body: unknown, key?: string) =>
  ask(`${api.url}/api/v1/streams/${stream}/tokens`, posting(body, key));

test("a token of an origin without a mesh is good for the content key of an encrypted stream, and for no tracker", async () => {
  await origin.registry.create({ id: "locked", isEncrypted: true });
  const plain = await origin.startApi({ p2p: false });
  const peer = await TestPeer.connect(plain);
  const token = await peer.askToken(plain, "locked");
  const bearer = { headers: { Authorization: `Bearer ${token}` } };
  expect((await fetch(`${plain.url}/live/locked/session.key`, bearer)).status).toBe(200);
  await peer.sendJoin(token);
  expect(await peer.refusal()).toBe("p2p-off");
});

describe("a join token", () => {
  test("verifies with jose against the published keys and is bound to the peer's key", async () => {
    const { status, headers, body } = await askToken("open", { publicKey });
    expect(status).toBe(201);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toMatchObject({
      peer: publicKey,
      role: "viewer",
      tracker: `ws://127.0.0.1:${api.port}/api/v1/tracker`,
    });
    const published = await ask(`${api.url}/.well-known/jwks.json`);
    expect(published.headers.get("content-type")).toMatch(/^application\/jwk-set\+json/);
    expect(body["jwks"]).toEqual(published.body);
    expect(JSON.stringify(published.body)).not.toContain('"d"');

    const token = String(body["token"]);
    const keys = createLocalJWKSet(published.body as unknown as JSONWebKeySet);
    const { payload } = await jwtVerify(token, keys, { audience: "open", subject: publicKey });
    expect(payload["cnf"]).toEqual({ jwk: { kty: "OKP", crv: "Ed25519", x: publicKey } });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300);
    expect(payload["role"]).toBe("viewer");
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "EdDSA", typ: "starling-join+jwt" });
    expect(Date.parse(String(body["expiresAt"]))).toBe((payload.exp ?? 0) * 1000);
  });

  test("names the tracker by the public address when the operator gave one", async () => {
    const behindProxy = await origin.startApi({ publicUrl: "https://live.example/" });
    const url = `${behindProxy.url}/api/v1/streams/open/tokens`;
    const { body } = await ask(url, posting({ publicKey }));
    expect(body["tracker"]).toBe("wss://live.example/api/v1/tracker");
  });

  test("of a backend stream needs an API key", async () => {
    const refused = await askToken("paid", { publicKey });
    expect([refused.status, refused.body["code"]]).toEqual([401, "api-key-missing"]);
    expect((await askToken("paid", { publicKey }, origin.apiKey)).status).toBe(201);
    expect((await askToken("open", { publicKey }, "wrong")).body["code"]).toBe("api-key-wrong");
  });

  test("of a seed is for the origin's own roles only", async () => {
    const wanted = { publicKey, role: "seed" };
    for (const key of [undefined, origin.apiKey]) {
      const refused = await askToken("open", wanted, key);
      expect([refused.status, refused.body["code"]]).toEqual([403, "seed-role-refused"]);
    }
    expect((await askToken("paid", wanted, origin.internalKey)).body["role"]).toBe("seed");
  });

  test("is refused for a key that is none, for an unknown field and for an unknown stream", async () => {
    const details = await Promise.all(
      ["", "AAAA", `${publicKey}=`, 5].map(
        async (bad) => (await askToken("open", { publicKey: bad })).body["detail"],
      ),
    );
    for (const detail of details) expect(detail).toMatch(/^Field "publicKey"/);
    const unknown = await askToken("open", { publicKey, admin: true });
    expect(unknown.body["detail"]).toBe('Unknown field "admin".');
    expect((await askToken("nowhere", { publicKey })).body["code"]).toBe("stream-not-found");
  });

  test("is refused to viewers, and not to seeds, by an origin without a mesh", async () => {
    const plain = await origin.startApi({ p2p: false });
    const url = `${plain.url}/api/v1/streams/open/tokens`;
    const refused = await ask(url, posting({ publicKey }, origin.apiKey));
    expect([refused.status, refused.body["code"]]).toEqual([403, "p2p-off"]);
    const seed = await ask(url, posting({ publicKey, role: "seed" }, origin.internalKey));
    expect(seed.status).toBe(201);
  });

  test("is given to one address at a limited rate, and to the backend without", async () => {
    const slow = await origin.startApi({ tokensPerMinute: 3 });
    const url = `${slow.url}/api/v1/streams/open/tokens`;
    await origin.redis.del("starling:limit:tokens:127.0.0.1");
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) {
      statuses.push((await ask(url, posting({ publicKey }))).status);
    }
    expect(statuses).toEqual([201, 201, 201, 429]);
    const { headers } = await ask(url, posting({ publicKey }));
    expect(headers.get("ratelimit-policy")).toBe('"tokens";q=3;w=60');
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(20);
    expect((await ask(url, posting({ publicKey }, origin.apiKey))).status).toBe(201);
  });
});
