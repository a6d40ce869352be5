import { createServer } from "node:net";
import { errorCode, StarlingError } from "../core/index.ts";
import { type OptionName, optionKey, optionVariable } from "./options.ts";

/**
 * Makes sure that a TCP port can be listened on, before anything is started that would then have
 * to be stopped again. Port 0 always can.
 * @throws StarlingError "port-refused" that names the port and its option.
 */
export async function checkPort(host: string, port: number, option: OptionName): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw portRefusal(error, host, port, option) ?? error;
  }
  await new Promise((resolve) => server.close(resolve));
}

/** Explains an error of `listen`, or one that it caused. */
export function portRefusal(
  error: unknown,
  host: string,
  port: number,
  option: OptionName,
): StarlingError | undefined {
  const reason = reasonOf(error, host, port);
  if (reason === undefined) return undefined;
  const cure = `Choose another with --${optionKey(option)} or ${optionVariable(option)}.`;
  return new StarlingError("port-refused", `${reason} ${cure}`, { cause: error });
}

function reasonOf(error: unknown, host: string, port: number): string | undefined {
  const hasCause = typeof error === "object" && error !== null && "cause" in error;
  const code = errorCode(hasCause ? error.cause : error);
  if (code === "EADDRINUSE") return `Port ${port} is already in use by another program.`;
  if (code === "EACCES") return `Port ${port} may only be used by the administrator.`;
  if (code === "EADDRNOTAVAIL") return `This machine has no address ${host} (--host).`;
  return undefined;
}
