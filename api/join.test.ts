import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  instantMs,
  type JoinPuzzle,
  nobleCrypto,
  parseJwks,
  verifyRevocation,
} from "../core/index.ts";
import { ApiKeys } from "../pipeline/index.ts";
import { ask, bearer, posting, type TestApi, TestOrigin } from "./test-origin.ts";
import { claimsOf, solved, TestPeer } from "./test-peer.ts";

let origin: TestOrigin;
let guarded: TestApi;
let free: TestApi;
let tokensKey: string;
let relaysKey: string;
beforeAll(async () => {
  origin = await TestOrigin.start();
  guarded = await origin.startApi({ joinWork: 3, tokensPerMinute: 1000, region: "eu-west" });
  free = await origin.startApi({ tokensPerMinute: 1000 });
  await origin.registry.create({ id: "open" });
  const keys = new ApiKeys(origin.redis);
  tokensKey = (await keys.create({ name: "site", scopes: ["tokens"] })).key;
  relaysKey = (await keys.create({ name: "relays", scopes: ["relays"] })).key;
});
afterAll(() => origin.stop());

const askToken = (api: TestApi, body: object, key?: string) =>
  ask(`${api.url}/api/v1/streams/open/tokens`, posting(body, key));

/** A peer that is at the tracker, with the token it came by. */
async function joinedPeer(
  wanted: object = {},
  key = tokensKey,
): Promise<{
  peer: TestPeer;
  token: string;
  tokenId: string;
}> {
  const peer = await TestPeer.connect(guarded);
  const { body } = await askToken(guarded, { publicKey: peer.id, ...wanted }, key);
  const token = String(body["token"]);
  await peer.joinWith(token);
  return { peer, token, tokenId: String(body["tokenId"]) };
}

async function refusalOf(wanted: object, api = guarded): Promise<string> {
  const peer = await TestPeer.connect(api);
  const { body } = await askToken(guarded, { publicKey: peer.id, ...wanted }, tokensKey);
  await peer.sendJoin(String(body["token"]));
  return peer.refusal();
}

describe("a newcomer without a key", () => {
  test("is given a puzzle, and a token for its answer", async () => {
    const peer = await TestPeer.connect(guarded);
    const refused = await askToken(guarded, { publicKey: peer.id });
    expect([refused.status, refused.body["code"]]).toEqual([403, "work-needed"]);
    expect(refused.headers.get("cache-control")).toBe("no-store");
    const puzzle = refused.body as unknown as JoinPuzzle;
    expect(puzzle.work).toBe(3);
    const answered = await askToken(guarded, { publicKey: peer.id, work: solved(puzzle) });
    expect(answered.status).toBe(201);
    await peer.joinWith(String(answered.body["token"]));
    peer.close();
  });

  test("gets another puzzle for a wrong answer, and nothing for one that does not parse", async () => {
    const { id } = await TestPeer.connect(guarded);
    const work = { challenge: "made.up", counter: 1 };
    const wrong = await askToken(guarded, { publicKey: id, work });
    expect([wrong.status, wrong.body["code"]]).toEqual([403, "work-needed"]);
    for (const bad of [{}, { ...work, counter: -1 }, { ...work, challenge: "a".repeat(2000) }]) {
      expect((await askToken(guarded, { publicKey: id, work: bad })).status).toBe(400);
    }
  });

  test("may not bind its token, nor make itself a relay", async () => {
    const { id } = await TestPeer.connect(guarded);
    for (const binding of [{ region: "eu-west" }, { relay: true }]) {
      const { body } = await askToken(guarded, { publicKey: id, ...binding });
      expect(body["code"]).toBe("binding-refused");
    }
  });
});

describe("a peer that is in the mesh", () => {
  test("renews its token without work, and the bindings stay", async () => {
    const bindings = { network: "127.0.0.0/8", region: "eu-west", relay: true };
    const { peer, token } = await joinedPeer(bindings, relaysKey);
    const { status, body } = await askToken(guarded, { publicKey: peer.id, renew: token });
    expect(status).toBe(201);
    const renewed = String(body["token"]);
    expect(claimsOf(renewed)).toMatchObject({ net: "127.0.0.0/8", region: "eu-west", relay: true });
    const again = await askToken(guarded, { publicKey: peer.id, renew: renewed });
    expect(again.status).toBe(201);
    peer.close();
  });

  test("works again once it has left, or for another key", async () => {
    const { peer, token } = await joinedPeer();
    const other = await TestPeer.connect(guarded);
    const stolen = await askToken(guarded, { publicKey: other.id, renew: token });
    expect(stolen.body["code"]).toBe("work-needed");
    peer.close();
    await peer.closed;
    const renew = { publicKey: peer.id, renew: token };
    while ((await askToken(guarded, renew)).status === 201);
    expect((await askToken(guarded, renew)).body["code"]).toBe("work-needed");
    const junk = await askToken(guarded, { publicKey: peer.id, renew: "a.b.c" });
    expect(junk.body["code"]).toBe("work-needed");
  });

  test("is sent away when its token is revoked, at any process, and cannot renew or use it", async () => {
    const { peer, token, tokenId } = await joinedPeer();
    const { body } = await askToken(guarded, { publicKey: peer.id, renew: token });
    const url = `${free.url}/api/v1/streams/open/tokens/${tokenId}`;
    const revoked = await fetch(url, { method: "DELETE", headers: bearer(tokensKey) });
    expect(revoked.status).toBe(204);
    expect(await peer.refusal()).toBe("token-revoked");
    for (const renew of [token, body["token"]]) {
      const refused = await askToken(guarded, { publicKey: peer.id, renew });
      expect(refused.body["code"]).toBe("work-needed");
      const back = await TestPeer.connect(guarded);
      await back.sendJoin(String(renew), peer.secretKey);
      expect(await back.refusal()).toBe("token-revoked");
    }
  });

  test("is shown to all others of the stream as one to part from, and to those who come later", async () => {
    const { peer, tokenId } = await joinedPeer();
    const witness = await TestPeer.connect(free);
    const { body } = await askToken(free, { publicKey: witness.id });
    await witness.joinWith(String(body["token"]));
    const url = `${guarded.url}/api/v1/streams/open/tokens/${tokenId}`;
    await fetch(url, { method: "DELETE", headers: bearer(tokensKey) });
    await witness.next("revoked"); // Of the test before: it has not ended.
    const { revocation } = await witness.next("revoked");
    const keys = parseJwks((await ask(`${free.url}/.well-known/jwks.json`)).body);
    const context = { stream: "open", now: instantMs(Date.now()) };
    const read = verifyRevocation(revocation, { keys, crypto: nobleCrypto }, context);
    expect(read.peer).toBe(peer.id);
    expect(read.expiresAtS - read.issuedAtS).toBe(301);
    witness.close();
    const { peer: newcomer } = await joinedPeer();
    const told = [await newcomer.next("revoked"), await newcomer.next("revoked")];
    expect(told.map((one) => one.revocation)).toContain(revocation);
    newcomer.close();
  });
});

describe("a bound token", () => {
  test("is good in its network and region only", async () => {
    expect(await refusalOf({ network: "192.0.2.0/24" })).toBe("token-wrong-network");
    expect(await refusalOf({ region: "us-east" })).toBe("token-wrong-region");
    expect(await refusalOf({ region: "eu-west" }, free)).toBe("token-wrong-region");
    const { peer } = await joinedPeer({ network: "127.0.0.1/32", region: "eu-west" });
    peer.close();
  });
});

describe("an API key", () => {
  const keysOf = (key: string) => ask(`${free.url}/api/v1/keys`, { headers: bearer(key) });

  test("makes relays with the scope for them alone: a backend may pass on what a viewer asks for", async () => {
    const { id: publicKey } = await TestPeer.connect(free);
    const statusOf = async (body: object, key: string) => (await askToken(free, body, key)).status;
    expect(await statusOf({ publicKey, relay: true }, tokensKey)).toBe(403);
    expect(await statusOf({ publicKey }, relaysKey)).toBe(403);
    expect(await statusOf({ publicKey, relay: true }, relaysKey)).toBe(201);
  });

  test("opens what its scopes say", async () => {
    const refused = await keysOf(tokensKey);
    expect([refused.status, refused.body["code"]]).toEqual([403, "api-key-scope"]);
    const streams = await ask(`${free.url}/api/v1/streams`, { headers: bearer(tokensKey) });
    expect(streams.status).toBe(403);
    const wanted = { name: "desk", scopes: ["streams"] };
    const { body } = await ask(`${free.url}/api/v1/keys`, posting(wanted, origin.apiKey));
    const headers = bearer(String(body["key"]));
    expect((await ask(`${free.url}/api/v1/streams`, { headers })).status).toBe(200);
    const { id } = await TestPeer.connect(free);
    const token = await askToken(free, { publicKey: id }, String(body["key"]));
    expect(token.body["code"]).toBe("api-key-scope");
  });

  test("has a limit of its own, and stops working once it is deleted", async () => {
    const wanted = { name: "slow", scopes: ["admin"], perMinute: 2 };
    const { body } = await ask(`${free.url}/api/v1/keys`, posting(wanted, origin.apiKey));
    const key = String(body["key"]);
    expect((await keysOf(key)).headers.get("ratelimit")).toMatch(/^"api-key";r=1;t=\d+$/);
    expect((await keysOf(key)).status).toBe(200);
    const slowed = await keysOf(key);
    expect([slowed.status, slowed.headers.get("retry-after")]).toEqual([429, "30"]);
    const url = `${free.url}/api/v1/keys/${String(body["id"])}`;
    const remove = () => fetch(url, { method: "DELETE", headers: bearer(origin.apiKey) });
    expect((await remove()).status).toBe(204);
    expect((await keysOf(key)).status).toBe(401);
    expect((await remove()).status).toBe(404);
  });

  test("leaves a trace of every change, and of none of its secrets", async () => {
    const wanted = { name: "traced", scopes: ["streams"] };
    const made = await ask(`${free.url}/api/v1/keys`, {
      ...posting(wanted, origin.apiKey),
      headers: {
        ...bearer(origin.apiKey),
        "Content-Type": "application/json",
        "X-Request-Id": "trace-me-1",
      },
    });
    expect(made.headers.get("x-request-id")).toBe("trace-me-1");
    const audit = async () =>
      (await ask(`${free.url}/api/v1/audit`, { headers: bearer(origin.apiKey) })).body["entries"];
    let entries = (await audit()) as Record<string, unknown>[];
    while (entries[0]?.["requestId"] !== "trace-me-1") entries = (await audit()) as typeof entries;
    expect(entries[0]).toMatchObject({ method: "POST", path: "/api/v1/keys", status: 201 });
    expect(JSON.stringify(entries)).not.toContain(String(made.body["key"]));
    expect(JSON.stringify(entries)).not.toContain(origin.apiKey);
  });
});

describe("a signing key", () => {
  const sign = (kid: string, method: string) =>
    fetch(`${free.url}/api/v1/signing-keys/${kid}`, { method, headers: bearer(origin.apiKey) });

  test("is good beside its successor until it is taken back", async () => {
    const tokenKeyFile = `${origin.dir}/keys/next.json`;
    const { token: old } = await joinedPeer();
    const next = await origin.startApi({ tokenKeyFile });
    const peer = await TestPeer.connect(next);
    await peer.joinWith(await peer.askToken(next, "open"));
    const { kid } = JSON.parse(Buffer.from(old.split(".")[0] ?? "", "base64url").toString()) as {
      kid: string;
    };
    const late = async () => {
      const one = await TestPeer.connect(next);
      const { body } = await askToken(guarded, { publicKey: one.id }, tokensKey);
      await one.sendJoin(String(body["token"]));
      return one.next("joined").then(
        () => "joined",
        () => "refused",
      );
    };
    expect(await late()).toBe("joined");
    expect((await sign(kid, "DELETE")).status).toBe(204);
    while ((await late()) === "joined");
    expect((await sign(kid, "DELETE")).status).toBe(404);
    peer.close();
  }, 30_000);
});
