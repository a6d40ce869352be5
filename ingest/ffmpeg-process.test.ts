import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { utf8 } from "../core/index.ts";
import { captureLog } from "./captured-log.ts";
import { type FfmpegExit, FfmpegProcess } from "./ffmpeg-process.ts";
import { ffmpegVersion } from "./ffmpeg-version.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "ffmpeg-process-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

/** Any program that reads stdin can stand in for ffmpeg where only its process matters. */
function run(binary: string, args: readonly string[]) {
  const exits: FfmpegExit[] = [];
  const captured = captureLog();
  let drained = (): void => {};
  const drain = new Promise<void>((resolve) => {
    drained = resolve;
  });
  const child = new FfmpegProcess({
    ...{ binary, args, cwd, log: captured.log },
    onDrain: () => drained(),
    onExit: (exit) => exits.push(exit),
  });
  return { child, exits, captured, drain };
}

const FFMPEG = ["-hide_banner", "-loglevel", "level+warning", "-nostats", "-progress", "pipe:1"];

describe("a supervised ffmpeg", () => {
  test("ends by itself at the end of its input, and has told its progress", async () => {
    const raw = ["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "pipe:0", "-f", "null", "-"];
    const { child, exits } = run("ffmpeg", [...FFMPEG, ...raw]);
    child.write(new Uint8Array(96_000));
    await child.stop();
    expect(exits).toMatchObject([{ code: 0, signal: null }]);
    expect(child.progress?.outTimeMs).toBeCloseTo(1000);
  });

  test("that fails says in readable words why", async () => {
    const { child, exits, captured } = run("ffmpeg", [
      ...FFMPEG,
      "-f",
      "flv",
      "-i",
      "pipe:0",
      "x.mp4",
    ]);
    child.write(utf8("this is not FLV at all"));
    await child.stop();
    expect(exits[0]?.lastError).toContain("The encoder did not describe its picture");
    expect(captured.messages).toContain(`ffmpeg: ${exits[0]?.lastError}`);
  });

  test("that is not installed is reported as gone, not thrown", async () => {
    const { child, exits } = run("no-such-ffmpeg", []);
    child.write(utf8("x"));
    await child.exited;
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(exits).toMatchObject([{ lastError: "ffmpeg did not start: ENOENT." }]);
    await expect(ffmpegVersion("no-such-ffmpeg")).rejects.toMatchObject({ code: "ffmpeg-missing" });
  });

  test("that does not end with its input is interrupted", async () => {
    const { child, exits } = run("sleep", ["60"]);
    await child.stop();
    expect(exits).toMatchObject([{ signal: "SIGINT" }]);
  });

  test("that ignores even that is killed", async () => {
    const { child, exits } = run("sh", ["-c", "trap '' INT; while :; do sleep 0.1; done"]);
    await child.stop();
    expect(exits).toMatchObject([{ signal: "SIGKILL" }]);
  });

  test("holds its writer back until it reads", async () => {
    const { child, drain } = run("sh", ["-c", "sleep 0.2; cat > /dev/null"]);
    let accepted = true;
    for (let count = 0; accepted && count < 100; count++)
      accepted = child.write(new Uint8Array(65_536));
    expect(accepted).toBe(false);
    await drain;
    await child.stop();
  });

  test("that dies alone is reported, and writing to it does no harm", async () => {
    const { child, exits } = run("sh", ["-c", "exit 3"]);
    await child.exited;
    expect(exits).toMatchObject([{ code: 3, lastError: undefined }]);
    expect(child.write(utf8("late"))).toBe(true);
    await child.stop();
  });
});
