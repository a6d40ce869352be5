import type { MessagePort } from "node:worker_threads";
import { type Logger, pino } from "pino";
import { z } from "zod";

/** A logger for a thread: its lines go through `port` to the logger of the process. */
export function threadLog(port: MessagePort): Logger {
  const destination = { write: (line: string) => port.postMessage(line) };
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level: "info", base: null, timestamp: false, formatters }, destination);
}

const lineSchema = z.looseObject({
  level: z.enum(["info", "warn", "error", "fatal"]),
  msg: z.string(),
});

/** Logs a line of a thread as the process's own. */
export function relayLine(line: string, log: Logger): void {
  const { level, msg, ...fields } = lineSchema.parse(JSON.parse(line));
  log[level](fields, msg);
}
