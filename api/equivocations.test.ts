import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Manifest, signManifest, toBase64Url } from "../core/index.ts";
import { loadSigningKey, publishKey, type SigningKey } from "../pipeline/index.ts";
import { ask, bearer, type TestApi, TestOrigin } from "./test-origin.ts";
import { TestPeer } from "./test-peer.ts";

let origin: TestOrigin;
let api: TestApi;
let key: SigningKey;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  await origin.registry.create({ id: "demo" });
  key = await loadSigningKey(`${origin.dir}/keys/manifest.json`, "manifest");
  await publishKey(origin.redis, key.jwk);
});
afterAll(() => origin.stop());

const digest = toBase64Url(new Uint8Array(32));

function manifest(sequence: number, byteLength: number): string {
  const issuedAtS = Math.floor(Date.now() / 1000);
  const statement: Manifest = {
    ...{ stream: "demo", session: "session", discontinuity: 0, last: true },
    block: { rendition: 0, sequence, part: 0 },
    init: { sequence: 0, sha256: digest },
    ...{ durationMs: 1000, programDateTimeMs: issuedAtS * 1000, completedAtMs: issuedAtS * 1000 },
    ...{ byteLength, sha256: digest, root: digest },
    fec: { code: "leopard-gf8", k: 1, n: 2, symbolBytes: 64 },
    ...{ issuedAtS, expiresAtS: issuedAtS + 120 },
  };
  return signManifest(statement, key.jwk.kid, key.sign);
}

const proved = async () => {
  const { body } = await ask(`${api.url}/api/v1/equivocations`, { headers: bearer(origin.apiKey) });
  return body["equivocations"] as { stream: string; block: string; manifests: string[] }[];
};

test("two valid manifests of one block are kept as proof, once; nothing less is", async () => {
  const peers = [];
  for (const _ of [1, 2]) peers.push((await TestPeer.join(api, "demo")).peer);
  const [first, second] = [manifest(7, 64), manifest(7, 63)];
  const lies = [
    [first, first],
    [first, manifest(8, 64)],
    [first, `${second.slice(0, -4)}AAAA`],
  ] as const;
  const [liar, witness] = peers;
  for (const [a, b] of lies) liar?.send({ type: "equivocation", first: a, second: b });
  for (let time = 0; time < 2; time += 1) {
    witness?.send({ type: "equivocation", first, second });
  }
  while ((await proved()).length === 0);
  expect(await proved()).toMatchObject([
    { stream: "demo", block: "0:7:0", manifests: [first, second] },
  ]);
  const metrics = await (await fetch(`${api.url}/metrics`)).text();
  expect(metrics).toContain("starling_manifest_equivocations_total 1");
  for (const peer of peers) peer.close();
});
