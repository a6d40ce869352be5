import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { lockDataFolder } from "./data-lock.ts";

let folder: string;
let lockFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-lock-"));
  lockFile = join(folder, "studio.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the lock of a data folder", () => {
  test("is refused while another process holds it, and names that process", () => {
    const unlock = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(
      `A studio already runs on ${folder} (process ${process.pid}).`,
    );
    unlock();
  });

  test("can be had again once it was given back, and leaves no file", () => {
    lockDataFolder(folder)();
    lockDataFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("of a process that is gone is taken over", () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(lockFile, JSON.stringify({ pid, startedAt: "1" }));
    const unlock = lockDataFolder(folder);
    expect(JSON.parse(readFileSync(lockFile, "utf8"))).toMatchObject({ pid: process.pid });
    unlock();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("of an earlier process with a pid that is in use again is taken over", async () => {
    const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(stranger, "spawn");
    writeFileSync(lockFile, JSON.stringify({ pid: stranger.pid, startedAt: "1" }));
    if (process.platform === "linux") lockDataFolder(folder)();
    stranger.kill();
    await once(stranger, "exit");
  });

  test.each(["", "{", "null", '{"pid":-1,"startedAt":""}', '{"pid":1}'])(
    "that holds %j and not a process is taken over",
    (text) => {
      writeFileSync(lockFile, text);
      lockDataFolder(folder)();
    },
  );

  test("is not given back by one who lost it", () => {
    const unlock = lockDataFolder(folder);
    writeFileSync(lockFile, "another's");
    unlock();
    expect(readFileSync(lockFile, "utf8")).toBe("another's");
  });
});
