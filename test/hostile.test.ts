import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  instantMs,
  keyIdOf,
  type Message,
  nobleCrypto,
  parseJwks,
  signManifest,
  utf8,
  verifyManifest,
} from "../core/index.ts";
import { eventually } from "./eventually.ts";
import { newestSequence, sha256 } from "./first-light.ts";
import { HostilePeer, type Lie } from "./hostile-peer.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

/** The shortest that the studio takes. */
const MANIFEST_TTL_S = 10;

let folder: string;
let origin: OriginProcess;
const publishers: Publisher[] = [];
const hostiles: HostilePeer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  origin = new OriginProcess(join(folder, "data"), [
    "--no-demo",
    ...["--manifest-ttl-s", String(MANIFEST_TTL_S)],
  ]);
  await origin.start();
});

afterEach(async () => {
  for (const hostile of hostiles.splice(0)) await hostile.leave();
  for (const publisher of publishers.splice(0)) await publisher.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
});

function publish(streamKey: string): void {
  publishers.push(new Publisher({ url: `${origin.rtmpUrl}/${streamKey}` }));
}

async function hostile(lie: Lie): Promise<HostilePeer> {
  const peer = await HostilePeer.join(origin, lie);
  hostiles.push(peer);
  await eventually(() => peer.blocks >= 3, 20_000);
  return peer;
}

/** Makes a second stream and gives its key. */
async function otherStreamKey(): Promise<string> {
  const response = await fetch(`${origin.httpUrl}/api/v1/streams`, {
    method: "POST",
    headers: { Authorization: `Bearer ${origin.apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ id: "other" }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { streamKey: string }).streamKey;
}

async function firstManifest(stream: string): Promise<string> {
  return eventually(
    async () => {
      const response = await fetch(`${origin.httpUrl}/live/${stream}/0.manifest`);
      return response.ok ? await response.text() : undefined;
    },
    30_000,
    () => origin.output,
  );
}

/** The same statement as `jws`, signed by a key that is not the origin's. */
async function forged(jws: string): Promise<string> {
  const jwks = await (await fetch(`${origin.httpUrl}/.well-known/jwks.json`)).json();
  const trust = { keys: parseJwks(jwks), crypto: nobleCrypto };
  const manifest = verifyManifest(jws, trust, { stream: "main", now: instantMs(Date.now()) });
  const thief = nobleCrypto.sha256(utf8("thief"));
  const keyId = keyIdOf(nobleCrypto.publicKeyOf(thief), nobleCrypto);
  const later = { ...manifest, expiresAtS: manifest.expiresAtS + 600 };
  return signManifest(later, keyId, (message) => nobleCrypto.sign(message, thief));
}

function manifestMessage(jws: string): Message {
  return { type: "manifest", ageMs: 0, jws, leaves: [new Uint8Array(32)] };
}

/** Waits until a viewer has put out `count` segments, then checks that they are the origin's, in a row. */
async function watchHonestly(viewer: ViewerProcess, count: number) {
  const sequences = await eventually(
    async () => {
      const all = await viewer.sequences();
      return all.length >= count ? all : undefined;
    },
    60_000,
    () => viewer.log,
  );
  const report = await viewer.end();
  for (const [index, sequence] of sequences.entries()) {
    expect(sequence).toBe((sequences[0] ?? 0) + index);
    const response = await fetch(`${origin.httpUrl}/live/main/${sequence}.m4s`);
    const original = new Uint8Array(await response.arrayBuffer());
    expect(sha256(await viewer.read(`${sequence}.m4s`))).toBe(sha256(original));
  }
  expect(report.missing).toBe(0);
  return report;
}

test("a symbol with one flipped byte is refused, counted, named and never played", async () => {
  publish(origin.streamKey);
  await eventually(
    () => newestSequence(origin),
    30_000,
    () => origin.output,
  );
  await hostile((message) => {
    if (message.type !== "symbol") return [message];
    const bytes = message.bytes.slice();
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    return [{ ...message, bytes }];
  });
  // While the origin's own seeder hangs, the hostile peer is the only one that the viewer can ask.
  const resumeSeeder = await origin.haltRole("seeder");
  const viewer = new ViewerProcess(origin, join(folder, "viewer"), ["--max-delay-s", "20"]);
  await eventually(
    () => viewer.log.includes("refused: symbol-bad-hash"),
    15_000,
    () => viewer.log,
  );
  expect(await viewer.sequences()).toEqual([]);
  resumeSeeder();
  const report = await watchHonestly(viewer, 10);
  expect(report.rejected["symbol-bad-hash"]).toBeGreaterThanOrEqual(1);
}, 120_000);

test("a forged, an expired and another stream's manifest are refused, counted and named", async () => {
  publish(origin.streamKey);
  publish(await otherStreamKey());
  const expired = await firstManifest("main");
  const replayed = await firstManifest("other");
  const lies = [await forged(expired), expired, replayed].map(manifestMessage);
  await delay(MANIFEST_TTL_S * 1000);
  await hostile((message) => (message.type === "hello" ? [message, ...lies] : [message]));
  const viewer = new ViewerProcess(origin, join(folder, "viewer"));
  const report = await watchHonestly(viewer, 10);
  for (const code of ["manifest-unknown-key", "manifest-expired", "manifest-wrong-stream"]) {
    expect(report.rejected[code]).toBeGreaterThanOrEqual(1);
    expect(viewer.log).toContain(`refused: ${code}`);
  }
}, 120_000);
