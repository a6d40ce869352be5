import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { signJoinToken } from "../core/index.ts";
import { loadSigningKey, type SigningKey } from "../pipeline/index.ts";
import { ask, type TestApi, TestOrigin } from "./test-origin.ts";
import { claimsOf, TestPeer } from "./test-peer.ts";
import { TRACKER_PATH } from "./tracker.ts";

let origin: TestOrigin;
let first: TestApi;
let second: TestApi;
let tokenKey: SigningKey;
let stream: string;
let streams = 0;
beforeAll(async () => {
  origin = await TestOrigin.start();
  const iceServers = [{ urls: "stun:stun.example:3478" }];
  first = await origin.startApi({ iceServers, tokensPerMinute: 1000 });
  second = await origin.startApi({ tokensPerMinute: 1000 });
  tokenKey = await loadSigningKey(join(origin.dir, "keys", "token.json"), "token");
});
beforeEach(async () => {
  streams += 1;
  stream = `stream-${streams}`;
  await origin.registry.create({ id: stream });
});
afterAll(() => origin.stop());

const sign = (peer: string, changes: { tokenId?: string; stream?: string; ageS?: number } = {}) => {
  const { tokenId = "t-1", ageS = 0 } = changes;
  const issuedAtS = Math.floor(Date.now() / 1000) - ageS;
  const expiresAtS = issuedAtS + 300;
  const permit = { stream: changes.stream ?? stream, peer, role: "viewer" } as const;
  const claims = { ...permit, tokenId, issuedAtS, expiresAtS };
  return signJoinToken(claims, tokenKey.jwk.kid, tokenKey.sign);
};

describe("two peers of one stream", () => {
  test("meet and exchange signals through two API processes on one Redis", async () => {
    const { peer: alice, joined } = await TestPeer.join(first, stream);
    expect(joined).toEqual({
      type: "joined",
      peer: alice.id,
      iceServers: [{ urls: "stun:stun.example:3478" }],
      neighbours: [],
    });
    const { peer: bob, joined: bobJoined } = await TestPeer.join(second, stream);
    expect(bobJoined.neighbours).toEqual([{ peer: alice.id, role: "viewer" }]);

    const offer = { kind: "description", sdpType: "offer", sdp: "v=0" } as const;
    bob.send({ type: "signal", peer: alice.id, signal: offer });
    expect(await alice.next("signal")).toEqual({ type: "signal", peer: bob.id, signal: offer });
    for (let number = 0; number < 20; number += 1) alice.signal(bob, `candidate ${number}`);
    const candidates: unknown[] = [];
    for (let number = 0; number < 20; number += 1) {
      const { signal } = await bob.next("signal");
      if (signal.kind === "candidate") candidates.push(signal.candidate);
    }
    expect(candidates).toEqual(Array.from({ length: 20 }, (_, number) => `candidate ${number}`));

    alice.close();
    expect(await bob.next("left")).toEqual({ type: "left", peer: alice.id });
    bob.signal(alice, "too late");
    expect(await bob.next("left")).toEqual({ type: "left", peer: alice.id });
    bob.close();
  });

  test("meet in one process too", async () => {
    const { peer: alice } = await TestPeer.join(first, stream);
    const { peer: bob } = await TestPeer.join(first, stream);
    bob.signal(alice, "here");
    expect(await alice.next("signal")).toMatchObject({ peer: bob.id });
    bob.close();
    expect(await alice.next("left")).toEqual({ type: "left", peer: bob.id });
    alice.close();
  });
});

describe("an introduction", () => {
  test("names the seeds and a few random viewers, never the newcomer", async () => {
    const seeds = await Promise.all(
      [1, 2].map(() => TestPeer.join(second, stream, origin.internalKey)),
    );
    const viewers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => TestPeer.join(at % 2 ? first : second, stream)),
    );
    const { peer, joined } = await TestPeer.join(first, stream);
    const named = (role: string) =>
      joined.neighbours.filter((neighbour) => neighbour.role === role).map((one) => one.peer);
    expect(named("seed").sort()).toEqual(seeds.map((seed) => seed.peer.id).sort());
    expect(named("viewer")).toHaveLength(8);
    const known = new Set(viewers.map((viewer) => viewer.peer.id));
    expect(named("viewer").every((id) => known.has(id))).toBe(true);

    const seed = await TestPeer.join(first, stream, origin.internalKey);
    expect(seed.joined.neighbours).toEqual([]);
    for (const one of [...seeds, ...viewers, seed]) one.peer.close();
    peer.close();
  });

  test("is given again to who wants more, and no seed is named that is full", async () => {
    const { peer: seed } = await TestPeer.join(second, stream, origin.internalKey);
    const { peer: alice, joined } = await TestPeer.join(first, stream);
    expect(joined.neighbours).toEqual([{ peer: seed.id, role: "seed" }]);
    seed.send({ type: "room", count: 1 });
    // The tracker reads a connection's messages in order: this one comes back after the room.
    seed.signal(seed, "done");
    await seed.next("signal");
    const named = async (peer: TestPeer, count: number) => {
      peer.send({ type: "want", count });
      return (await peer.next("peers")).neighbours.map((one) => one.peer);
    };
    expect(await named(alice, 4)).toEqual([seed.id]);
    const { peer: bob, joined: bobJoined } = await TestPeer.join(first, stream);
    expect(bobJoined.neighbours).toEqual([{ peer: alice.id, role: "viewer" }]);
    expect(await named(bob, 4)).toEqual([alice.id]);
    expect(await named(alice, 1)).toEqual([bob.id]);
    for (const peer of [seed, alice, bob]) peer.close();
  });

  test("tells those who are there of a new seed", async () => {
    const { peer: alice } = await TestPeer.join(first, stream);
    const { peer: seed } = await TestPeer.join(second, stream, origin.internalKey);
    expect((await alice.next("peers")).neighbours).toEqual([{ peer: seed.id, role: "seed" }]);
    alice.close();
    seed.close();
  });

  test("never crosses streams, and neither do signals", async () => {
    const { peer: alice } = await TestPeer.join(first, stream);
    await origin.registry.create({ id: `${stream}-other` });
    const { peer: eve, joined } = await TestPeer.join(first, `${stream}-other`);
    expect(joined.neighbours).toEqual([]);
    eve.signal(alice, "let me in");
    expect(await eve.next("left")).toEqual({ type: "left", peer: alice.id });
    const { peer: bob } = await TestPeer.join(first, stream);
    bob.signal(alice, "the first thing that alice hears");
    expect(await alice.next("signal")).toMatchObject({ peer: bob.id });
    for (const peer of [alice, eve, bob]) peer.close();
  });

  test("moves to the newer connection when a peer comes back", async () => {
    const { peer: alice, token } = await TestPeer.join(first, stream);
    const { peer: bob } = await TestPeer.join(first, stream);
    const again = await TestPeer.connect(second);
    const { neighbours } = await again.joinWith(token, alice.secretKey);
    expect(neighbours).toEqual([{ peer: bob.id, role: "viewer" }]);
    expect(await alice.closed).toBe(4000);
    bob.signal(alice, "hello again");
    expect(await again.next("signal")).toMatchObject({ peer: bob.id });
    again.close();
    bob.close();
  });
});

describe("who may not join is told why", () => {
  const refusalOf = async (token: string, key?: Uint8Array) => {
    const peer = await TestPeer.connect(first);
    await peer.sendJoin(token, key ?? peer.secretKey);
    return peer.refusal();
  };

  test("with a stolen token, whose key the thief does not hold", async () => {
    const { peer, token } = await TestPeer.join(first, stream);
    expect(await refusalOf(token)).toBe("proof-invalid");
    peer.close();
  });

  test("with a token id that another key used before", async () => {
    const alice = await TestPeer.connect(first);
    await alice.joinWith(sign(alice.id, { tokenId: "once" }));
    const mallory = await TestPeer.connect(second);
    await mallory.sendJoin(sign(mallory.id, { tokenId: "once" }));
    expect(await mallory.refusal()).toBe("token-replayed");
    alice.close();
  });

  test("with an expired, a forged and a garbled token", async () => {
    const peer = await TestPeer.connect(first);
    await peer.sendJoin(sign(peer.id, { ageS: 301 }));
    expect(await peer.refusal()).toBe("token-expired");

    const forger = await loadSigningKey(join(origin.dir, "keys", "forged.json"), "token");
    const nowS = Math.floor(Date.now() / 1000);
    const validity = { issuedAtS: nowS, expiresAtS: nowS + 60 };
    const claims = { stream, peer: peer.id, role: "seed", tokenId: "f", ...validity } as const;
    const forged = signJoinToken(claims, forger.jwk.kid, forger.sign);
    expect(await refusalOf(forged, peer.secretKey)).toBe("token-unknown-key");

    const [header, payload, signature] = sign(peer.id).split(".");
    const seed = Buffer.from(
      JSON.stringify({ ...claimsOf(`.${payload}.`), role: "seed" }),
    ).toString("base64url");
    expect(await refusalOf(`${header}.${seed}.${signature}`)).toBe("token-bad-signature");
    expect(await refusalOf("garbage")).toBe("token-malformed");
  });

  test("with a token for a stream that is not there", async () => {
    const peer = await TestPeer.connect(first);
    await peer.sendJoin(sign(peer.id, { stream: "elsewhere" }));
    expect(await peer.refusal()).toBe("stream-not-found");
  });

  test("with a proof for another challenge", async () => {
    const peer = await TestPeer.connect(first);
    const token = await peer.askToken(first, stream);
    await peer.next("challenge");
    peer.send({ type: "join", token, proof: "A".repeat(86) });
    expect(await peer.refusal()).toBe("proof-invalid");
    expect(await peer.closed).toBe(1008);
  });

  test("and counted by reason", async () => {
    expect(await refusalOf("garbage")).toBe("token-malformed");
    const metrics = await (await fetch(`${first.url}/metrics`)).text();
    expect(metrics).toMatch(/starling_tracker_refusals_total\{reason="token-malformed"\} [1-9]/);
    expect(metrics).toMatch(/starling_tracker_joins_total\{role="viewer"\} [1-9]/);
  });
});

describe("a connection that misbehaves is ended", () => {
  test("for a frame above 64 KiB", async () => {
    const { peer } = await TestPeer.join(first, stream);
    peer.socket.send("x".repeat(65_537));
    expect(await peer.closed).toBe(1009);
  });

  test("for garbage, for binary, for signals before joining and for joining twice", async () => {
    const codes: string[] = [];
    for (const frame of ["{", "[]", '{"type":"dance"}', Buffer.from([0, 1, 2])]) {
      const peer = await TestPeer.connect(first);
      await peer.next("challenge");
      peer.socket.send(frame);
      codes.push(await peer.refusal());
    }
    expect(codes).toEqual(new Array(4).fill("tracker-bad-message"));

    const eager = await TestPeer.connect(first);
    await eager.next("challenge");
    eager.signal(eager, "hello?");
    expect(await eager.refusal()).toBe("tracker-not-joined");

    const { peer, token } = await TestPeer.join(first, stream);
    peer.send({ type: "join", token, proof: "" });
    expect(await peer.refusal()).toBe("tracker-joined-already");
  });

  test("for sending more than its rate", async () => {
    const { peer } = await TestPeer.join(first, stream);
    const stats = { playedBytes: 0, fromPeersBytes: 0, fromSeedsBytes: 0, fromHttpBytes: 0 };
    for (let count = 0; count < 700; count += 1) {
      peer.send({ type: "stats", ...stats, blocks: 0, missing: 0, rejected: 0 });
    }
    expect(await peer.refusal()).toBe("tracker-rate");
  });

  test("for not joining in time", async () => {
    const hasty = await origin.startApi({ joinTimeoutMs: 50 });
    const peer = await TestPeer.connect(hasty);
    await peer.next("challenge");
    expect(await peer.refusal()).toBe("tracker-join-timeout");
  });

  test("or not opened when there are too many, or at another address", async () => {
    const small = await origin.startApi({ trackerConnectionsMax: 1 });
    const peer = await TestPeer.connect(small);
    const statusOf = async (path: string) => {
      const socket = new WebSocket(`${small.url.replace("http", "ws")}${path}`);
      const [error] = (await once(socket, "error")) as [Error];
      return error.message;
    };
    expect(await statusOf(TRACKER_PATH)).toBe("Unexpected server response: 503");
    expect(await statusOf("/api/v1/streams")).toBe("Unexpected server response: 404");
    peer.close();
    const plain = await ask(`${small.url}${TRACKER_PATH}`);
    expect([plain.status, plain.body["code"]]).toEqual([426, "websocket-only"]);
  });

  test("or not opened when one address has too many, until one of them ends", async () => {
    const narrow = await origin.startApi({ trackerConnectionsPerAddressMax: 1, trustedProxies: 1 });
    const connectAs = async (address: string) => {
      const url = `${narrow.url.replace("http", "ws")}${TRACKER_PATH}`;
      const socket = new WebSocket(url, { headers: { "X-Forwarded-For": address } });
      const failure = once(socket, "error").then(([error]) => (error as Error).message);
      return {
        socket,
        outcome: await Promise.race([failure, once(socket, "open").then(() => "")]),
      };
    };
    const first = await connectAs("192.0.2.1");
    const refused = (await connectAs("192.0.2.1")).outcome;
    expect([first.outcome, refused]).toEqual(["", "Unexpected server response: 429"]);
    const other = await connectAs("192.0.2.2");
    expect(other.outcome).toBe("");
    first.socket.close();
    let again = await connectAs("192.0.2.1");
    while (again.outcome !== "") again = await connectAs("192.0.2.1");
    for (const { socket } of [other, again]) socket.close();
  });
});

describe("the tracker", () => {
  test("adds up what viewers report, once per byte, and shows the offload", async () => {
    const { peer, token } = await TestPeer.join(first, stream);
    const reportBy = (reporter: TestPeer, playedBytes: number, fromSeedsBytes: number) =>
      reporter.send({
        type: "stats",
        playedBytes,
        fromPeersBytes: playedBytes - fromSeedsBytes,
        fromSeedsBytes,
        fromHttpBytes: 0,
        blocks: 1,
        missing: 0,
        rejected: 0,
        downlinkKbps: 3000,
      });
    reportBy(peer, 1000, 100);
    reportBy(peer, 4000, 400);
    reportBy(peer, 4000, 400);
    // The tracker reads a connection's messages in order: this answer comes after the reports.
    peer.signal(peer, "done");
    await peer.next("signal");
    const again = await TestPeer.connect(second);
    await again.joinWith(token, peer.secretKey);
    reportBy(again, 5000, 400);
    let status: Record<string, unknown> = {};
    for (let tries = 0; status["offload"] !== 0.92 && tries < 400; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      status = (await ask(`${second.url}/api/v1/streams/${stream}/status`)).body;
    }
    expect(status).toMatchObject({ viewers: 1, offload: 0.92 });
    const [lines = ""] = await origin.redis.keys(`starling:stream:${stream}:viewer-lines:*`);
    expect(await origin.redis.zrange(lines, 0, -1, "WITHSCORES")).toEqual([peer.id, "3000"]);
    again.close();
  });

  test("keeps no seat for a peer that leaves while it joins", async () => {
    for (let count = 0; count < 5; count += 1) {
      const hasty = await TestPeer.connect(first);
      await hasty.sendJoin(await hasty.askToken(first, stream));
      hasty.socket.terminate();
    }
    const { peer } = await TestPeer.join(first, stream);
    const seated = () => origin.redis.zrange(`starling:tracker:${stream}:viewers`, 0, -1);
    while ((await seated()).length !== 1) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await seated()).toEqual([peer.id]);
    peer.close();
  });

  test("ends with its process, whatever a peer or a refused client does not answer", async () => {
    const short = await origin.startApi();
    const silent = await TestPeer.connect(short);
    silent.socket.pause();
    const refused = connect({ port: short.port, host: "127.0.0.1", allowHalfOpen: true });
    refused.write(
      "GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    expect(String((await once(refused, "data"))[0])).toContain("404 Not Found");
    const beganAtMs = performance.now();
    await short.close();
    expect(performance.now() - beganAtMs).toBeLessThan(20_000); // ws alone waits 30 s.
    refused.destroy();
    silent.socket.terminate();
  });

  test("says 1001 when its process ends, and takes the peers off the list", async () => {
    const short = await origin.startApi();
    const { peer } = await TestPeer.join(short, stream);
    const { peer: witness } = await TestPeer.join(first, stream);
    await short.close();
    expect(await peer.closed).toBe(1001);
    const { joined, peer: newcomer } = await TestPeer.join(first, stream);
    expect(joined.neighbours.map((neighbour) => neighbour.peer)).toEqual([witness.id]);
    witness.close();
    newcomer.close();
  });
});
