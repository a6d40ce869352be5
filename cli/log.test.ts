import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { LogFile } from "./log-file.ts";
import { formatLogRecord, parseLogLine } from "./log-line.ts";

describe("a log file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-log-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("goes on where an earlier run ended", () => {
    const path = join(folder, "logs", "api.log");
    for (const line of ["one", "two"]) {
      const file = new LogFile(path);
      file.write(line);
      file.close();
    }
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  });

  test("is renamed when it is full, and the oldest is dropped", () => {
    const path = join(folder, "api.log");
    const file = new LogFile(path, 10);
    for (let line = 1; line <= 12; line++) file.write(`line ${String(line).padStart(2, "0")}`);
    file.close();
    const contents = readdirSync(folder)
      .sort()
      .map((name) => `${name}: ${readFileSync(join(folder, name), "utf8").trim()}`);
    expect(contents).toEqual([
      "api.log: line 12",
      "api.log.1: line 11",
      "api.log.2: line 10",
      "api.log.3: line 09",
    ]);
  });

  test("takes a line that is longer than a whole file", () => {
    const path = join(folder, "api.log");
    const file = new LogFile(path, 5);
    file.write("a long line");
    file.write("b");
    file.close();
    expect(readFileSync(path, "utf8")).toBe("b\n");
    expect(readFileSync(`${path}.1`, "utf8")).toBe("a long line\n");
  });
});

describe("a log line", () => {
  const timeMs = new Date(2026, 0, 2, 3, 4, 5).getTime();

  test("of pino becomes one readable line with its fields", () => {
    const line = JSON.stringify({
      level: 40,
      time: timeMs,
      role: "ingest",
      msg: "the broadcaster went silent",
      stream: "main",
      err: { type: "Error", message: "boom", stack: "..." },
    });
    expect(formatLogRecord(parseLogLine(line, "ingest", 0))).toBe(
      "03:04:05 warn  ingest   the broadcaster went silent  stream=main  err=boom",
    );
  });

  test.each(["Segmentation fault", "{not JSON", '{"level":"high","msg":"x"}'])(
    "that is not of pino (%s) is an error of its role",
    (line) => {
      expect(parseLogLine(line, "api", timeMs)).toMatchObject({
        level: 50,
        role: "api",
        message: line,
        timeMs,
      });
    },
  );

  test("cuts fields that would fill the screen", () => {
    const record = { level: 50, timeMs, role: "api", message: "x", fields: { a: "y".repeat(999) } };
    expect(formatLogRecord(record).length).toBeLessThan(250);
  });
});
