import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { toBase64Url, trackerProofMessage } from "../../core/index.ts";
import { nodeCrypto } from "../../core/node/index.ts";
import { createIdentity } from "../../peer/index.ts";
import type { Attack, AttackOutcome, AttackStage } from "./stage.ts";

const TRACKER = "/api/v1/tracker";
const SLOW_CONNECTIONS = 200;
const GARBAGE_CONNECTIONS = 100;
/** What the tracker closes with on a message of more than 64 KiB (RFC 6455 section 7.4.1). */
const TOO_BIG = 1009;

/** Attacks on the ports of the origin. */
export const DOOR_ATTACKS: readonly Attack[] = [
  { name: "slowloris", seconds: 16, run: slowloris },
  { name: "RTMP garbage", seconds: 6, run: rtmpGarbage },
  { name: "oversize messages", seconds: 4, run: oversize },
  { name: "tracker flood", seconds: 6, run: trackerFlood },
  { name: "stolen token", seconds: 4, run: stolenToken },
];

/** Many connections that send a header a second and never end their request. */
async function slowloris({ origin }: AttackStage, seconds: number): Promise<AttackOutcome> {
  const { hostname, port } = new URL(origin.httpUrl);
  const startedAtMs = performance.now();
  const sockets = await opened(hostname, Number(port), SLOW_CONNECTIONS);
  let lastCutMs = 0;
  let cut = 0;
  for (const socket of sockets) {
    socket.once("close", () => {
      cut += 1;
      lastCutMs = performance.now() - startedAtMs;
    });
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n");
  }
  const end = performance.now() + seconds * 1000;
  let answered = 0;
  while (performance.now() < end && cut < sockets.length) {
    for (const socket of sockets) if (socket.writable) socket.write("X-A: b\r\n");
    answered += (await fetch(`${origin.httpUrl}/live/main/media.m3u8`)).ok ? 1 : 0;
    await delay(1000);
  }
  for (const socket of sockets) socket.destroy();
  return {
    stopped: cut === sockets.length && answered > 0,
    cutMs: cut === 0 ? null : Math.round(lastCutMs),
    detail: `${cut} of ${sockets.length} connections cut, ${answered} playlists meanwhile`,
  };
}

/** Bytes that are no RTMP, and a handshake that is followed by noise. */
async function rtmpGarbage({ origin }: AttackStage, seconds: number): Promise<AttackOutcome> {
  const { hostname, port } = new URL(origin.rtmpUrl.replace("rtmp:", "http:"));
  const sockets = await opened(hostname, Number(port), GARBAGE_CONNECTIONS);
  const startedAtMs = performance.now();
  let cut = 0;
  let lastCutMs = 0;
  for (const [at, socket] of sockets.entries()) {
    socket.once("close", () => {
      cut += 1;
      lastCutMs = performance.now() - startedAtMs;
    });
    const noise = randomBytes(100_000);
    socket.write(at % 2 === 0 ? noise : Buffer.concat([Buffer.of(3), Buffer.alloc(3072), noise]));
  }
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end && cut < sockets.length) await delay(50);
  for (const socket of sockets) socket.destroy();
  return {
    stopped: cut > sockets.length / 2,
    cutMs: Math.round(lastCutMs),
    detail: `${cut} of ${sockets.length} connections cut within ${seconds} s`,
  };
}

/** A body and a tracker message beyond their limits. */
async function oversize({ origin }: AttackStage): Promise<AttackOutcome> {
  const body = JSON.stringify({ publicKey: "a".repeat(1_000_000) });
  const headers = { "Content-Type": "application/json" };
  const url = `${origin.httpUrl}/api/v1/streams/main/tokens`;
  const { status } = await fetch(url, { method: "POST", headers, body });
  const { socket } = await openTracker(origin.httpUrl);
  const closed = once(socket, "close");
  socket.send("a".repeat(1_000_000));
  const [code] = (await closed) as [number];
  return {
    stopped: status === 413 && code === TOO_BIG,
    cutMs: null,
    detail: `HTTP ${status}, WebSocket ${code}`,
  };
}

/** A peer that joins, and then sends messages as fast as it can. */
async function trackerFlood({ origin }: AttackStage, seconds: number): Promise<AttackOutcome> {
  const { socket } = await openTracker(origin.httpUrl);
  const closed = once(socket, "close");
  const startedAtMs = performance.now();
  let sent = 0;
  const end = startedAtMs + seconds * 1000;
  while (socket.readyState === WebSocket.OPEN && performance.now() < end) {
    for (let burst = 0; burst < 100; burst += 1) socket.send('{"type":"want","count":64}');
    sent += 100;
    await delay(1);
  }
  const isCut = socket.readyState !== WebSocket.OPEN;
  const cutMs = Math.round(performance.now() - startedAtMs);
  socket.terminate();
  await closed;
  return { stopped: isCut, cutMs, detail: `cut after ${sent} messages` };
}

/** A token that a neighbour showed, in the hands of somebody without its key. */
async function stolenToken({ origin }: AttackStage): Promise<AttackOutcome> {
  const [owner, thief] = [createIdentity(nodeCrypto), createIdentity(nodeCrypto)];
  const token = await tokenOf(origin.httpUrl, owner.id);
  const { socket, challenge } = await openTracker(origin.httpUrl);
  const { nonce } = JSON.parse(challenge) as { nonce: string };
  const proof = toBase64Url(nodeCrypto.sign(trackerProofMessage(nonce), thief.secretKey));
  socket.send(JSON.stringify({ type: "join", token, proof }));
  const [answer] = (await once(socket, "message")) as [Buffer];
  socket.terminate();
  const { code } = JSON.parse(String(answer)) as { code?: string };
  return { stopped: code === "proof-invalid", cutMs: null, detail: String(code) };
}

/** A token for the least work: an origin whose work is 1 takes any counter. */
async function tokenOf(httpUrl: string, publicKey: string): Promise<string> {
  const ask = async (body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${httpUrl}/api/v1/streams/main/tokens`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const { challenge } = await ask({ publicKey });
  const { token } = await ask({ publicKey, work: { challenge, counter: 1 } });
  return String(token);
}

/** A connection to the tracker, and what it says first: that may come with the very opening. */
async function openTracker(httpUrl: string): Promise<{ socket: WebSocket; challenge: string }> {
  const socket = new WebSocket(`${httpUrl.replace("http", "ws")}${TRACKER}`);
  socket.on("error", () => undefined);
  const [challenge] = (await once(socket, "message")) as [Buffer];
  return { socket, challenge: String(challenge) };
}

/** Connections that survive being cut. */
function opened(host: string, port: number, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, host);
      await once(socket, "connect");
      socket.on("error", () => undefined).resume();
      return socket;
    }),
  );
}
