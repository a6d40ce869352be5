import { type DestinationStream, type Logger, pino } from "pino";
import { formatLogRecord, parseLogLine } from "./log-line.ts";
import type { Config } from "./options.ts";

/**
 * The logger of one role. Lines go to standard output, or to standard error where standard output
 * carries data; they are JSON, or text for a person on a terminal.
 */
export function createRoleLog(
  role: string,
  config: Pick<Config, "logLevel" | "logFormat">,
  output: NodeJS.WriteStream = process.stdout,
): Logger {
  const isText = config.logFormat === "text" || (config.logFormat === "auto" && output.isTTY);
  const destination: DestinationStream = isText
    ? { write: (line) => output.write(`${readable(line, role)}\n`) }
    : pino.destination({ fd: output === process.stderr ? 2 : 1, sync: true });
  return pino({ level: config.logLevel, base: { pid: process.pid, role } }, destination);
}

function readable(line: string, role: string): string {
  return formatLogRecord(parseLogLine(line.trimEnd(), role, Date.now()));
}
