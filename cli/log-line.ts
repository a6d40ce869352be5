/** A line of a role's log, as far as it could be understood. */
export interface LogRecord {
  /** pino's level: 30 info, 40 warn, 50 error, 60 fatal. */
  readonly level: number;
  readonly timeMs: number;
  readonly role: string;
  readonly message: string;
  /** The other fields of the record. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export const LEVEL_WARN = 40;
const LEVEL_ERROR = 50;
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};
const FIELD_LENGTH_MAX = 160;

/** Reads a pino line. Anything else, e.g. a stack trace on stderr, becomes an error record. */
export function parseLogLine(line: string, role: string, nowMs: number): LogRecord {
  const plain = { level: LEVEL_ERROR, timeMs: nowMs, role, message: line, fields: {} };
  if (!line.startsWith("{")) return plain;
  try {
    const { level, time, role: ownRole, msg, pid, hostname, ...fields } = JSON.parse(line);
    if (typeof level !== "number" || typeof msg !== "string") return plain;
    return {
      level,
      timeMs: typeof time === "number" ? time : nowMs,
      role: typeof ownRole === "string" ? ownRole : role,
      message: msg,
      fields,
    };
  } catch {
    return plain;
  }
}

/** "12:03:04 warn  ingest   the broadcaster went silent  stream=main" */
export function formatLogRecord(record: LogRecord): string {
  const time = new Date(record.timeMs).toTimeString().slice(0, 8);
  const level = (LEVEL_NAMES[record.level] ?? String(record.level)).padEnd(5);
  const fields = Object.entries(record.fields).map(
    ([key, value]) => `  ${key}=${fieldText(value)}`,
  );
  return `${time} ${level} ${record.role.padEnd(8)} ${record.message}${fields.join("")}`;
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : errorText(value);
  return text.length > FIELD_LENGTH_MAX ? `${text.slice(0, FIELD_LENGTH_MAX)}...` : text;
}

/** pino writes an error as an object; a person wants its message. */
function errorText(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) {
    return String(value.message);
  }
  return JSON.stringify(value) ?? "";
}
