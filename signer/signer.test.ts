import { createHash, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { importJWK, jwtVerify } from "jose";
import { pino } from "pino";
import {
  chooseFec,
  instantMs,
  merkleRoot,
  nobleCrypto,
  parseJwks,
  toBase64Url,
  verifyManifest,
} from "../core/index.ts";
import {
  BlockStore,
  createSignQueue,
  enqueueSign,
  LOG_START,
  ManifestLog,
  readJwks,
  ScratchRedis,
  type SignJob,
} from "../pipeline/index.ts";
import { runSigner, type SignerOptions } from "./index.ts";

let scratch: ScratchRedis;
let redis: Redis;
let store: BlockStore;
let options: SignerOptions;

beforeAll(async () => {
  scratch = await ScratchRedis.start();
  const mediaRoot = join(scratch.dir, "media");
  redis = scratch.redis;
  store = new BlockStore(mediaRoot);
  await mkdir(join(mediaRoot, "demo/a"), { recursive: true });
  const log = pino({ level: "silent" });
  options = { redisUrl: scratch.url, mediaRoot, keyFile: join(scratch.dir, "manifest.jwk"), log };
});
afterAll(() => scratch.stop());
beforeEach(async () => {
  await redis.flushall();
});

async function codedBlock(sequence: number): Promise<{ job: SignJob; leaves: Uint8Array[] }> {
  const byteLength = 100_000;
  const fec = chooseFec(byteLength);
  const sha256 = createHash("sha256").update(String(sequence)).digest("base64url");
  const record = {
    stream: "demo",
    session: "a",
    block: { rendition: 0, sequence, part: 0 },
    path: `demo/a/${sequence}.m4s`,
    offset: 0,
    byteLength,
    last: true,
    durationMs: 1000.5,
    programDateTimeMs: 1_795_000_000_000,
    completedAtMs: 1_795_000_001_000,
    discontinuity: 0,
    init: { sequence: 0, sha256 },
  };
  const leaves = randomBytes(32 * fec.n);
  await store.writeCoded(record, { repair: new Uint8Array(0), leaves });
  return { job: { record, sha256, fec }, leaves: await store.readLeaves(record, fec.n) };
}

/** The first `count` manifests that are published. */
async function manifests(count: number): Promise<string[]> {
  const follower = new AbortController();
  const found: string[] = [];
  for await (const { jws } of new ManifestLog(redis).follow("demo", LOG_START, follower.signal)) {
    found.push(jws);
    if (found.length === count) follower.abort();
  }
  return found;
}

async function idle(): Promise<void> {
  const queue = createSignQueue(redis);
  while ((await queue.getJobCountByTypes("wait", "active", "delayed")) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await queue.close();
}

describe("runSigner", () => {
  test("publishes a manifest that our peers and jose verify, over the root of the leaves", async () => {
    const signer = await runSigner(options);
    const queue = createSignQueue(redis);
    const { job, leaves } = await codedBlock(7);
    await enqueueSign(queue, job);
    const [jws = ""] = await manifests(1);
    const jwks = await readJwks(redis);
    const trust = { keys: parseJwks(jwks), crypto: nobleCrypto };
    const now = instantMs(Date.now());
    const manifest = verifyManifest(jws, trust, { stream: "demo", now });
    const { path: _path, offset: _offset, ...segment } = job.record;
    expect(manifest).toMatchObject({ ...segment, fec: job.fec, sha256: job.sha256 });
    expect(manifest.root).toBe(toBase64Url(merkleRoot(nobleCrypto, leaves)));
    expect(manifest.expiresAtS - manifest.issuedAtS).toBe(120);

    const [jwk] = jwks.keys;
    const { payload, protectedHeader } = await jwtVerify(jws, await importJWK({ ...jwk }), {
      typ: "starling-manifest+jwt",
    });
    expect(payload).toMatchObject({ stream: "demo", root: manifest.root });
    expect(protectedHeader).toMatchObject({ alg: "EdDSA", kid: signer.keyId });
    await queue.close();
    await signer.close();
  });

  test("yields one manifest for a block that is signed twice", async () => {
    const queue = createSignQueue(redis);
    const { job } = await codedBlock(1);
    const signer = await runSigner(options);
    await enqueueSign(queue, job);
    const [first] = await manifests(1);
    await idle();
    await queue.obliterate({ force: true }); // Forget that the job was done.
    await enqueueSign(queue, job);
    await idle();
    const log = new ManifestLog(redis);
    expect((await log.recent("demo", 10)).map(({ jws }) => jws)).toEqual([first]);
    await queue.close();
    await signer.close();
  });

  test("yields one manifest per block when two signers race", async () => {
    const blocks = await Promise.all(Array.from({ length: 20 }, (_, n) => codedBlock(n)));
    const queue = createSignQueue(redis);
    const first = await runSigner({ ...options, instance: "1" });
    const second = await runSigner({ ...options, instance: "2" });
    for (const round of ["a", "b"]) {
      // Under two job ids, so that both signers do get the same block.
      await Promise.all(
        blocks.map(({ job }) =>
          queue.add("sign", job, { jobId: `${round}-${job.record.block.sequence}` }),
        ),
      );
    }
    await idle();
    const published = await new ManifestLog(redis).recent("demo", 100);
    const sequences = published.map(({ block }) => block.sequence).sort((a, b) => a - b);
    expect(sequences).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(first.keyId).toBe(second.keyId);
    await queue.close();
    await Promise.all([first.close(), second.close()]);
  });
});
