import { connectRedis, RoleStatus } from "../pipeline/index.ts";
import { sharedRedisUrl } from "./addresses.ts";
import type { Config } from "./options.ts";

const TIMEOUT_MS = 3000;

/** Whether an instance of a role has reported in the last 10 s: what a container's health check asks. */
export async function checkHealth(config: Config, role: string): Promise<boolean> {
  const redis = connectRedis(sharedRedisUrl(config));
  redis.on("error", () => undefined);
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const timedOut = new Promise<never[]>((resolve) => {
    timeout.addEventListener("abort", () => resolve([]));
  });
  try {
    const reports = await Promise.race([RoleStatus.all(redis), timedOut]);
    const isAlive = reports.some((report) => report.role === role);
    if (!isAlive) console.error(`No ${role} has reported in the last 10 s.`);
    return isAlive;
  } finally {
    redis.disconnect();
  }
}
