import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { startRedisServer } from "../pipeline/index.ts";
import { ROLES } from "./commands.ts";

const STARLING = fileURLToPath(new URL("../bin/starling.js", import.meta.url));
const SMALL_CARD = ["--test-size", "640x360", "--test-fps", "15", "--test-kbps", "300"];

jest.setTimeout(90_000);

let dataDir: string;
let processes: ChildProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "starling-studio-"));
});
afterEach(async () => {
  for (const child of processes) child.kill("SIGKILL");
  processes = [];
  await until(() => rolePids().every((pid) => !isRunning(pid)));
  await (await startRedisServer({ dir: join(dataDir, "redis") })).stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs `starling ...`; its output grows in `output()`. */
function starling(...args: string[]) {
  const child = spawn(process.execPath, [STARLING, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  processes.push(child);
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = once(child, "exit").then(([status]) => status);
  return { child, ended, output: () => output };
}

function studio(...args: string[]) {
  const ports = ["--rtmp-port", "0", "--http-port", "0", "--host", "127.0.0.1"];
  return starling("studio", "--data-dir", dataDir, ...ports, ...SMALL_CARD, ...args);
}

/** Waits until the studio has said that it runs, and gives what its lines say. */
async function factsOf({ output, child }: ReturnType<typeof studio>) {
  await until(() => output().includes("Ctrl-C stops everything") || child.exitCode !== null);
  const fact = (name: string) => new RegExp(`^ {2}${name} {2,}(\\S+)`, "m").exec(output())?.[1];
  return {
    watch: fact("Watch") ?? "",
    server: fact("OBS server"),
    streamKey: fact("OBS stream key"),
    apiKey: fact("API key"),
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** The roles of the newest start, as their logs tell. */
function rolePids(role = ""): number[] {
  const folder = join(dataDir, "logs");
  const files = readdirSync(dataDir).includes("logs") ? readdirSync(folder) : [];
  return files
    .filter((file) => file.startsWith(role) && file !== "redis.log")
    .flatMap((file) => {
      const pids = readFileSync(join(folder, file), "utf8").match(/(?<="pid":)\d+/g);
      return pids?.slice(-1).map(Number) ?? [];
    });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function mediaSequence(watch: string): Promise<number> {
  const playlist = watch.replace(/\/watch\/(.*)$/, "/live/$1/media.m3u8");
  const text = await fetch(playlist).then((answer) => answer.text());
  const [first = "-1"] = /(?<=#EXT-X-MEDIA-SEQUENCE:)\d+/.exec(text) ?? [];
  return Number(first) + (text.match(/#EXTINF/g)?.length ?? 0);
}

describe("starling studio", () => {
  test("puts a test card on air, lets a broadcaster take over, and stops without a trace", async () => {
    const run = studio();
    const { watch, server, streamKey, apiKey } = await factsOf(run);
    expect(watch).toMatch(/^http:\/\/localhost:\d+\/watch\/main$/);
    expect(server).toMatch(/^rtmp:\/\/localhost:\d+\/live$/);
    expect(streamKey).toMatch(/^main_[a-z2-7]{32}$/);
    expect(apiKey).toMatch(/^starling-api-/);
    expect((await fetch(watch)).status).toBe(200);

    await until(() => run.output().includes("● test card"));
    const early = await mediaSequence(watch);
    await until(async () => (await mediaSequence(watch)) > early);

    starling("publish-test", "--publish-url", `${server}/${streamKey}`, ...SMALL_CARD);
    await until(() => run.output().includes("● live"));

    const pids = rolePids();
    expect(pids).toHaveLength(ROLES.length);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(readdirSync(dataDir)).not.toContain("studio.lock");
    expect(readdirSync(join(dataDir, "redis"))).not.toContain("redis.sock");
  });

  test("leaves no role behind when it is killed, and goes on from there at the next start", async () => {
    const killed = studio("--no-demo");
    const before = await factsOf(killed);
    const refused = studio("--no-demo");
    expect(await refused.ended).toBe(2);
    expect(refused.output()).toContain(
      `A studio already runs on ${dataDir} (process ${killed.child.pid})`,
    );

    const pids = rolePids();
    killed.child.kill("SIGKILL");
    await until(() => !pids.some(isRunning));

    const next = studio("--no-demo");
    const after = await factsOf(next);
    expect(after).toMatchObject({ streamKey: before.streamKey, apiKey: undefined });
    next.child.kill("SIGTERM");
    expect(await next.ended).toBe(0);
  });

  test("starts a role again that was killed, and says so", async () => {
    const run = studio("--no-demo");
    await factsOf(run);
    const [pid = 0] = rolePids("encoder");
    process.kill(pid, "SIGKILL");
    await until(() => run.output().includes("encoder runs again"));
    expect(run.output()).toContain("encoder ended (signal SIGKILL); it starts again in 0.5 s");
    run.child.kill("SIGTERM");
    expect(await run.ended).toBe(0);
  });

  test("refuses a port that is in use, with the option to change it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const run = studio("--rtmp-port", String(port));
    expect(await run.ended).toBe(2);
    expect(run.output()).toBe(
      `Port ${port} is already in use by another program. Choose another with --rtmp-port or STARLING_RTMP_PORT.\n`,
    );
    server.close();
  });

  test("refuses bad settings before it touches anything", async () => {
    const run = starling("studio", "--data-dir", join(dataDir, "new"), "--rtmp-port", "many");
    expect(await run.ended).toBe(2);
    expect(run.output()).toBe(
      '--rtmp-port: expected a port number from 0 to 65535 (0 = any free port), not "many"\n',
    );
    expect(readdirSync(dataDir)).toEqual([]);
  });
});
