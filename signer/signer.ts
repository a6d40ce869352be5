import type { Logger } from "pino";
import {
  BlockStore,
  connectRedis,
  createSignQueue,
  createSignWorker,
  JobMeter,
  loadSigningKey,
  ManifestLog,
  publishKey,
  type SignJob,
  startHeartbeat,
} from "../pipeline/index.ts";
import { signBlock } from "./manifest-signing.ts";

export interface SignerOptions {
  readonly redisUrl: string;
  readonly mediaRoot: string;
  readonly log: Logger;
  /** The private JWK; made at the first start. */
  readonly keyFile: string;
  /** How long a manifest is valid, in seconds. */
  readonly manifestTtlS?: number | undefined;
  /** Names this process among the signers of the origin. */
  readonly instance?: string | undefined;
}

export interface Signer {
  /** The id of the key that signs. */
  readonly keyId: string;
  /** Ends the jobs in work, then the connections. */
  close(): Promise<void>;
}

const MANIFEST_TTL_S = 120;
/** Signing is bound by one thread; more jobs only hide Redis and the disk. */
const CONCURRENCY = 4;

/** The first signatures of fresh code take up to a hundred times as long as the rest. */
const WARM_UP_ROUNDS = 20;

/** Signs manifests: the only role that holds the private key, and it opens no port. */
export async function runSigner(options: SignerOptions): Promise<Signer> {
  const { log, instance = String(process.pid), manifestTtlS = MANIFEST_TTL_S } = options;
  const key = await loadSigningKey(options.keyFile, "manifest");
  const redis = connectRedis(options.redisUrl);
  redis.on("error", (error) => log.error({ err: error }, "Redis connection"));
  await publishKey(redis, key.jwk);
  const store = new BlockStore(options.mediaRoot);
  const manifests = new ManifestLog(redis);
  const queue = createSignQueue(redis);
  const meter = new JobMeter();
  for (let round = 0; round < WARM_UP_ROUNDS; round++) key.sign(new Uint8Array());

  const sign = async (job: SignJob) => {
    const { stream, block } = job.record;
    const leaves = await store.readLeaves(job.record, job.fec.n);
    const jws = signBlock(job, leaves, key, { nowMs: Date.now(), ttlS: manifestTtlS });
    const published = await manifests.publish(stream, block, jws);
    if (!published) log.debug({ stream, block }, "the block has a manifest, or is trimmed");
  };
  const worker = createSignWorker(redis, (job) => meter.measure(() => sign(job)), {
    concurrency: CONCURRENCY,
  });
  worker.on("error", (error) => log.error({ err: error }, "sign worker"));
  worker.on("failed", (job, error) => log.warn({ job: job?.id, err: error }, "sign job failed"));

  const stats = async () => ({
    ...meter.stats(),
    waiting: await queue.getWaitingCount(),
    dead: await queue.getFailedCount(),
  });
  const stopHeartbeat = startHeartbeat({ redis, name: "signer", instance }, stats, log);
  return {
    keyId: key.jwk.kid,
    close: async () => {
      stopHeartbeat();
      await worker.close();
      await queue.close();
      redis.disconnect();
    },
  };
}
