import type { Redis } from "ioredis";
import { StarlingError } from "../core/index.ts";
import { ApiKeys, connectRedis, readJwks, type Stream, StreamRegistry } from "../pipeline/index.ts";
import { sharedRedisUrl } from "./addresses.ts";
import type { Config } from "./options.ts";

/** What the keys commands work on. */
export interface Origin {
  readonly redis: Redis;
  readonly streams: StreamRegistry;
}

/** Each answers the text to print. */
export const KEYS_COMMANDS = {
  publicKeys: async ({ redis }: Origin): Promise<string> =>
    JSON.stringify(await readJwks(redis), null, 2),

  streams: async ({ streams }: Origin): Promise<string> => {
    const lines = (await streams.list()).map(
      ({ id, title, access }) => `${id}\t${access}\t${title}`,
    );
    return lines.length > 0 ? lines.join("\n") : "There is no stream yet.";
  },

  createStream: async ({ streams }: Origin, { title }: Config, id = ""): Promise<string> =>
    (await streams.create({ id, title })).streamKey,

  streamKey: async ({ streams }: Origin, _config: Config, id = ""): Promise<string> =>
    (await existingStream(streams, id)).streamKey,

  rotateStreamKey: async ({ streams }: Origin, _config: Config, id = ""): Promise<string> =>
    (await streams.rotateKey(id)).streamKey,

  apiKey: async ({ redis }: Origin): Promise<string> => {
    const key = await new ApiKeys(redis).createFirst();
    if (key !== undefined) return key;
    throw new StarlingError(
      "api-key-exists",
      "This origin has an API key already. It was printed when it was made; only its hash is kept.",
    );
  },
} as const;

/** Runs `work` with a connection to the origin's Redis. */
export async function withOrigin<T>(
  config: Config,
  work: (origin: Origin) => Promise<T>,
): Promise<T> {
  const redis = connectRedis(sharedRedisUrl(config));
  try {
    return await Promise.race([
      work({ redis, streams: new StreamRegistry(redis) }),
      // A command should fail where a role would wait for Redis to come back.
      new Promise<never>((_resolve, reject) => {
        redis.once("error", () =>
          reject(new StarlingError("redis-unreachable", "Redis does not answer at its address.")),
        );
      }),
    ]);
  } finally {
    redis.disconnect();
  }
}

/** The stream of that id. Throws StarlingError "stream-unknown". */
export async function existingStream(streams: StreamRegistry, id: string): Promise<Stream> {
  const stream = await streams.get(id);
  if (stream !== undefined) return stream;
  throw new StarlingError(
    "stream-unknown",
    `There is no stream ${id}. Make it with: starling keys create-stream ${id}`,
  );
}
