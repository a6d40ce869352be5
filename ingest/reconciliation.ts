import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { enqueueUnsigned } from "../pipeline/index.ts";
import { type Catalogue, SessionDirectory } from "./session-directory.ts";
import { type StoredSession, storedSessions, writtenAtMs } from "./session-files.ts";

/** A directory in which nothing changed for this long has no ffmpeg any more. */
const SETTLED_MS = 2000;
/** ffmpeg ends at the end of its input; one that still writes after this is another origin's. */
const SETTLING_MAX_MS = 10_000;
const POLL_MS = 200;

/** What is being caught up after a restart. */
export interface Reconciliation {
  /** Resolves when the stream's old sessions are complete, and a new one may be registered. */
  turnOf(stream: string): Promise<void>;
  /** Settles when everything is caught up. */
  readonly done: Promise<void>;
}

/**
 * Puts segments that an earlier run left behind into the public order and asks again for what is
 * not encoded and signed. An ffmpeg of that run may be writing its last segment at this moment, so
 * a directory is followed until it is quiet. Returns after the first look at every directory.
 */
export async function reconcile(options: {
  readonly catalogue: Catalogue;
  readonly redis: Redis;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<Reconciliation> {
  const { catalogue, redis, log, signal } = options;
  const settling = new Map<string, Promise<void>>();
  for (const stored of await storedSessions(catalogue.mediaRoot)) {
    const directory = new SessionDirectory({ ...stored, catalogue, log, recovering: true });
    await directory.scan();
    if (Date.now() - (await writtenAtMs(stored.path)) > SETTLED_MS) continue;
    const earlier = settling.get(stored.stream) ?? Promise.resolve();
    const settled = settle(stored, directory, signal).catch((error: unknown) => {
      log.error({ err: error, ...stored }, "an old session could not be followed to its end");
    });
    settling.set(stored.stream, Promise.all([earlier, settled]).then());
  }
  const unsigned = await enqueueUnsigned(redis, catalogue.encodeQueue);
  if (unsigned > 0) log.info({ blocks: unsigned }, "blocks of an earlier run are encoded again");
  const done = Promise.all(settling.values()).then(async () => {
    if (settling.size > 0) await enqueueUnsigned(redis, catalogue.encodeQueue);
  });
  return { turnOf: async (stream) => settling.get(stream), done };
}

async function settle(
  { path }: StoredSession,
  directory: SessionDirectory,
  signal: AbortSignal,
): Promise<void> {
  const giveUpAtMs = Date.now() + SETTLING_MAX_MS;
  while (!signal.aborted && Date.now() < giveUpAtMs) {
    if (Date.now() - (await writtenAtMs(path)) > SETTLED_MS) break;
    await delay(POLL_MS);
    await directory.scan();
  }
}
