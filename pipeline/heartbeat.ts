import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { REPORT_INTERVAL_MS, RoleStatus } from "./role-status.ts";

/**
 * Reports what `stats` answers every 2 s, from now on, until the function that it returns is called.
 * A report that fails is logged and skipped.
 */
export function startHeartbeat(
  role: { readonly redis: Redis; readonly name: string; readonly instance: string },
  stats: () => Promise<object>,
  log: Logger,
): () => void {
  const status = new RoleStatus(role.redis, role.name, role.instance);
  const report = async () => {
    try {
      await status.report(await stats());
    } catch (error) {
      log.warn({ err: error }, "could not report the role's status");
    }
  };
  const timer = setInterval(() => void report(), REPORT_INTERVAL_MS);
  void report();
  return () => clearInterval(timer);
}
