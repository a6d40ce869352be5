import type { Logger } from "pino";
import { isRefusal } from "./refusal.ts";
import { EXIT_REFUSED, type ReadyMessage } from "./supervised-child.ts";

/** What every role gives back when it runs. */
export interface RunningRole {
  /** The ports that were really chosen, for roles with a door. */
  readonly rtmpPort?: number;
  readonly port?: number;
  close(): Promise<void>;
}

/** A close that takes longer is given up: whatever it waits for is worth less than the exit. */
const CLOSE_TIMEOUT_MS = 5000;

/**
 * Runs one role as this process: starts it, tells a supervisor when it is ready, and closes it on
 * SIGTERM, SIGINT, or when the supervisor is gone. Never returns; the process ends with status 0
 * after a close, {@link EXIT_REFUSED} when the role refused to start, 1 after any other error.
 */
export async function runRoleProcess(
  log: Logger,
  start: () => Promise<RunningRole>,
): Promise<never> {
  const stopAsked = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => resolve(signal));
    process.on("disconnect", () => resolve("the supervisor is gone"));
  });
  process.on("uncaughtException", (error) => fail(log, error, "uncaught error"));
  process.on("unhandledRejection", (error) => fail(log, error, "unhandled rejection"));

  const role = await start().catch((error: unknown) => refuse(log, error));
  announce(role);
  log.info("ready");

  const reason = await stopAsked;
  log.info({ reason }, "stopping");
  setTimeout(() => fail(log, reason, "closing took too long"), CLOSE_TIMEOUT_MS).unref();
  await role.close();
  log.info("stopped");
  process.exit(0);
}

/** Tells a supervisor that the role works, and on which port. */
function announce({ rtmpPort, port }: RunningRole): void {
  process.send?.({ type: "ready", details: { rtmpPort, port } } satisfies ReadyMessage);
}

/** A StarlingError at the start names a cause that trying again would not cure. */
function refuse(log: Logger, error: unknown): never {
  if (!isRefusal(error)) fail(log, error, "did not start");
  log.fatal(error.message);
  process.exit(EXIT_REFUSED);
}

function fail(log: Logger, error: unknown, message: string): never {
  log.fatal({ err: error }, message);
  process.exit(1);
}
