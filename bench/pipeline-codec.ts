import { createHash, randomFillSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bestKernel, DEFAULT_FEC_POLICY, SHA256_BYTES } from "../core/index.ts";
import { BlockMemory, codeBlock } from "../encoder/index.ts";
import type { SegmentRecord } from "../pipeline/index.ts";
import { loadSigningKey } from "../pipeline/index.ts";
import { signBlock } from "../signer/index.ts";

const WARM_UP_ROUNDS = 200;
const ROUNDS = 300;

/**
 * CPU milliseconds to code, hash and sign one block of `byteLength` random bytes, measured alone on a
 * warm thread: without files, queues or other load that would make it look larger.
 */
export async function usefulMsPerBlock(byteLength: number): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "starling-bench-"));
  const key = await loadSigningKey(join(dir, "manifest.jwk"), "manifest");
  await rm(dir, { recursive: true });
  const kernel = bestKernel();
  const block = new BlockMemory(kernel.workspace).load(byteLength, DEFAULT_FEC_POLICY, (target) => {
    randomFillSync(target);
  });
  const { fec } = block;
  const record = recordOf(byteLength);
  const round = () => {
    const { sha256, leaves } = codeBlock(block, kernel);
    const hashes = Array.from({ length: fec.n }, (_, esi) =>
      leaves.subarray(esi * SHA256_BYTES, (esi + 1) * SHA256_BYTES),
    );
    const job = { record, sha256, fec };
    signBlock(job, hashes, key, { nowMs: Date.now(), ttlS: 120 });
  };
  for (let done = 0; done < WARM_UP_ROUNDS; done++) round();
  const before = process.cpuUsage();
  for (let done = 0; done < ROUNDS; done++) round();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / ROUNDS;
}

function recordOf(byteLength: number): SegmentRecord {
  const nowMs = Date.now();
  return {
    stream: "bench",
    session: "bench",
    block: { rendition: 0, sequence: 1, part: 0 },
    path: "bench/bench/000000001.m4s",
    byteLength,
    durationMs: 1000,
    programDateTimeMs: nowMs,
    completedAtMs: nowMs,
    discontinuity: 0,
    init: { sequence: 0, sha256: createHash("sha256").digest("base64url") },
  };
}
