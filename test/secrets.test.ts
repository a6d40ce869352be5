import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { nobleCrypto, toBase64Url } from "../core/index.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

let folder: string;
let origin: OriginProcess;
const publishers: Publisher[] = [];
/** Everything that was answered, logged or measured. */
const told: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  const args = ["--no-demo", "--log-level", "debug", "--log-format", "json", "--join-work", "1"];
  origin = new OriginProcess(join(folder, "data"), args);
  await origin.start();
}, 90_000);
afterAll(async () => {
  for (const publisher of publishers) await publisher.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function ask(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(`${origin.httpUrl}${path}`, init);
  const text = await response.text();
  told.push([...response.headers.values(), text].join("\n"));
  return text;
}

function post(path: string, body: unknown, key?: string): Promise<string> {
  const headers = {
    "Content-Type": "application/json",
    ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
  };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** What nobody may read anywhere, by what it is. */
async function secrets(token: string): Promise<Record<string, string>> {
  const keyOf = async (name: string): Promise<string> =>
    (JSON.parse(await readFile(join(origin.dataDir, "keys", name), "utf8")) as { d: string }).d;
  return {
    "stream key": origin.streamKey.slice(origin.streamKey.lastIndexOf("_") + 1),
    "API key": origin.apiKey.slice(origin.apiKey.lastIndexOf("-") + 1),
    "manifest key": await keyOf("manifest.json"),
    "token key": await keyOf("token.json"),
    // The signature alone makes a token one.
    "join token": token.slice(token.lastIndexOf(".") + 1),
  };
}

test("no secret is in any log, answer, address or metric of a run", async () => {
  const wrongKey = `${origin.streamKey}x`;
  for (const key of [origin.streamKey, wrongKey]) {
    publishers.push(
      new Publisher({ url: `${origin.rtmpUrl}/${key}`, widthPx: 320, heightPx: 180 }),
    );
  }
  await eventually(
    () => newestSequence(origin),
    60_000,
    () => origin.output,
  );
  const viewer = new ViewerProcess(origin, join(folder, "viewer"), ["--log-level", "debug"]);
  const publicKey = toBase64Url(nobleCrypto.publicKeyOf(new Uint8Array(32).fill(7)));
  const tokens = "/api/v1/streams/main/tokens";
  const answer = await post(tokens, { publicKey }, origin.apiKey);
  told.pop(); // Whoever asks is given it.
  const { token } = JSON.parse(answer) as { token: string };
  await post(tokens, { publicKey, renew: token });
  await post(tokens, { publicKey, renew: token, work: { challenge: token, counter: 1 } });
  const hook = await post("/api/v1/webhooks", { url: "https://a.invalid/" }, origin.apiKey);
  told.pop(); // It is shown once.
  await ask("/api/v1/webhooks", { headers: { Authorization: `Bearer ${origin.apiKey}` } });
  await post("/api/v1/streams", { id: `${origin.apiKey}!` }, origin.apiKey);
  await post("/api/v1/streams", { id: "a", [origin.streamKey]: 1 }, `${origin.apiKey}x`);
  await ask(`/api/v1/streams/main?key=${origin.apiKey}`);
  await ask("/api/v1/audit", { headers: { Authorization: `Bearer ${origin.apiKey}` } });
  await ask("/api/v1/keys", { headers: { Authorization: `Bearer ${origin.apiKey}` } });
  await eventually(async () => (await viewer.sequences()).length > 2, 60_000);
  await ask("/metrics");
  await ask("/api/v1/status");
  await viewer.end();
  told.push(viewer.log);
  const logs = join(origin.dataDir, "logs");
  for (const name of await readdir(logs)) told.push(await readFile(join(logs, name), "utf8"));
  // The banner is for the operator's eyes: all that the roles wrote is in the logs.
  const all = told.join("\n");
  expect(all).toContain("publisher-key");
  expect(all).toContain('"requestId"');
  const webhook = (JSON.parse(hook) as { secret: string }).secret.replace("whsec_", "");
  for (const [what, secret] of Object.entries({ ...(await secrets(token)), webhook })) {
    expect(secret.length).toBeGreaterThan(30);
    expect([what, all.includes(secret)]).toEqual([what, false]);
  }
}, 180_000);
