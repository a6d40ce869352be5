import { pino } from "pino";
import { connectRedis, type RedisServer, startRedisServer } from "../pipeline/index.ts";
import type { RoleLogs } from "./role-logs.ts";

/**
 * Runs the studio's own redis-server for as long as `work` takes; `work` gets its address. One that
 * a killed studio left behind is taken over; one that dies is started again.
 * @throws StarlingError "redis-not-installed" or "redis-start".
 */
export async function withEmbeddedRedis(
  dir: string,
  logs: RoleLogs,
  work: (redisUrl: string) => Promise<void>,
): Promise<void> {
  const log = pino(
    { base: { role: "redis" } },
    { write: (line) => logs.write("redis", line.trimEnd()) },
  );
  let server: RedisServer = await startRedisServer({ dir, log });
  let restart: Promise<void> | undefined;
  const watch = connectRedis(server.url);
  watch.on("error", () => {
    restart ??= startRedisServer({ dir, log })
      .then((started) => {
        server = started;
        log.warn("the Redis server was started again");
      })
      .catch((error: unknown) => log.error({ err: error }, "cannot start the Redis server"))
      .finally(() => {
        restart = undefined;
      });
  });
  try {
    await work(server.url);
  } finally {
    watch.disconnect();
    await restart;
    await server.stop();
  }
}
