import { join } from "node:path";
import { LogFile } from "./log-file.ts";
import { formatLogRecord, LEVEL_WARN, parseLogLine } from "./log-line.ts";
import type { Terminal } from "./terminal.ts";

/** Where the roles' log lines go: all to <data>/logs/<role>.log, the worrying ones to the terminal. */
export class RoleLogs {
  readonly #folder: string;
  readonly #terminal: Terminal;
  readonly #files = new Map<string, LogFile>();

  constructor(folder: string, terminal: Terminal) {
    this.#folder = folder;
    this.#terminal = terminal;
  }

  write(role: string, line: string): void {
    this.#file(role).write(line);
    const record = parseLogLine(line, role, Date.now());
    if (record.level < LEVEL_WARN || line === "") return;
    const style = record.level === LEVEL_WARN ? "yellow" : "red";
    this.#terminal.write(this.#terminal.style(style, formatLogRecord(record)));
  }

  /** The file that a role's lines go to. */
  pathOf(role: string): string {
    return join(this.#folder, `${role}.log`);
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #file(role: string): LogFile {
    const file = this.#files.get(role) ?? new LogFile(this.pathOf(role));
    this.#files.set(role, file);
    return file;
  }
}
