import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bestKernel, DEFAULT_FEC_POLICY, SHA256_BYTES } from "../core/index.ts";
import { BlockMemory, codeBlock } from "../encoder/index.ts";
import { BlockStore, loadSigningKey, type SegmentRecord } from "../pipeline/index.ts";
import { merkleTreeOf, signBlock } from "../signer/index.ts";

const WARM_UP_ROUNDS = 200;
const ROUNDS = 300;

/** CPU milliseconds of each stage that a block goes through, but for queues and Redis. */
export interface StageCosts {
  readonly readMs: number;
  readonly encodeMs: number;
  /** The N leaf hashes and the digest of the whole block. */
  readonly hashMs: number;
  readonly writeMs: number;
  readonly merkleMs: number;
  readonly signMs: number;
}

/**
 * Measures the stages one by one on a warm thread with a block of `byteLength` random bytes below
 * `dir`: no other load makes them look larger.
 */
export async function stageCosts(dir: string, byteLength: number): Promise<StageCosts> {
  const record = recordOf(byteLength);
  const path = join(dir, record.path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, randomBytes(byteLength));
  const store = new BlockStore(dir);
  const key = await loadSigningKey(join(dir, "manifest.jwk"), "manifest");
  const kernel = bestKernel();
  const memory = new BlockMemory(kernel.workspace);
  const load = () =>
    memory.load(byteLength, DEFAULT_FEC_POLICY, (target) => store.readBlockInto(record, target));
  const block = load();
  const { fec } = block;
  const coding = codeBlock(block, kernel);
  const { sha256, leaves } = coding;
  const hashes = Array.from({ length: fec.n }, (_, esi) =>
    leaves.subarray(esi * SHA256_BYTES, (esi + 1) * SHA256_BYTES),
  );
  const validity = { nowMs: Date.now(), ttlS: 120 };

  const encodeMs = cpuMs(() => kernel.encode(block.padded, fec));
  const merkleMs = cpuMs(() => merkleTreeOf(hashes).getRoot());
  return {
    readMs: cpuMs(load),
    encodeMs,
    hashMs: cpuMs(() => codeBlock(block, kernel)) - encodeMs,
    writeMs: cpuMs((round) => void store.writeCoded(recordOf(byteLength, round), coding)),
    merkleMs,
    signMs: cpuMs(() => signBlock({ record, sha256, fec }, hashes, key, validity)) - merkleMs,
  };
}

function cpuMs(work: (round: number) => unknown): number {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) work(round);
  const before = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) work(WARM_UP_ROUNDS + round);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / ROUNDS;
}

/** Each round has a file of its own, because replacing one makes the file system write it out. */
function recordOf(byteLength: number, round = 0): SegmentRecord {
  const nowMs = Date.now();
  return {
    stream: "stages",
    session: "stages",
    block: { rendition: 0, sequence: round, part: 0 },
    path: `stages/stages/${round}.m4s`,
    offset: 0,
    byteLength,
    last: true,
    durationMs: 1000,
    programDateTimeMs: nowMs,
    completedAtMs: nowMs,
    discontinuity: 0,
    init: { sequence: 0, sha256: createHash("sha256").digest("base64url") },
  };
}
