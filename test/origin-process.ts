import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

const CLI = packageFile("dist/cli/main.js");
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** The studio's roles, as their processes are named. */
export type RoleName = "ingest" | "encoder" | "signer" | "seeder" | "api";

/** A whole origin, as `starling studio` runs it, on free ports. */
export class OriginProcess {
  readonly dataDir: string;
  readonly #args: readonly string[];
  #studio: ChildProcess | undefined;
  #closed: Promise<unknown> = Promise.resolve();
  #output = "";
  httpUrl = "";
  rtmpUrl = "";
  streamKey = "";
  apiKey = "";

  /** `args` are added to the studio's own; the folder outlives the process. */
  constructor(dataDir: string, args: readonly string[] = []) {
    this.dataDir = dataDir;
    this.#args = args;
  }

  /** Starts the studio and waits for its addresses; at a later start it keeps the ports it had. */
  async start(): Promise<void> {
    const ports = [
      ["--http-port", portOf(this.httpUrl)],
      ["--rtmp-port", portOf(this.rtmpUrl)],
    ].flat();
    const fixed = ["--data-dir", this.dataDir, "--host", "127.0.0.1", ...ports];
    this.#output = "";
    const studio = spawn(process.execPath, [CLI, "studio", ...fixed, ...this.#args], {
      env: plainEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#studio = studio;
    this.#closed = once(studio, "close");
    for (const stream of [studio.stdout, studio.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#output += `${line}\n`;
      });
    }
    await eventually(
      () => this.#readBanner(),
      START_TIMEOUT_MS,
      () => this.output,
    );
  }

  /** Everything that the studio printed since its start. */
  get output(): string {
    return this.#output;
  }

  /** Ctrl-C, and wait until all has ended. Gives the exit status. */
  async stop(): Promise<number | null> {
    const studio = this.#studio;
    if (studio === undefined) return null;
    if (studio.exitCode === null && studio.signalCode === null) studio.kill("SIGINT");
    const timer = setTimeout(() => studio.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#closed;
    clearTimeout(timer);
    this.#studio = undefined;
    return studio.exitCode;
  }

  /** The process of one role. */
  async pidOf(role: RoleName): Promise<number> {
    for (const { pid, command } of await this.#children()) {
      if (command.includes(CLI) && command.at(-1) === role) return pid;
    }
    throw new Error(`No process of ${role} runs.`);
  }

  /** Kills a role so that it can clean up nothing. */
  async killRole(role: RoleName): Promise<void> {
    process.kill(await this.pidOf(role), "SIGKILL");
  }

  /** Halts a role, as a machine that swaps or hangs would, until the function it gives is called. */
  async haltRole(role: RoleName): Promise<() => void> {
    const pid = await this.pidOf(role);
    process.kill(pid, "SIGSTOP");
    return () => process.kill(pid, "SIGCONT");
  }

  /** Kills the studio and every role at once, as a power cut would; Redis is left behind. */
  async killAll(): Promise<void> {
    const roles = await this.#children();
    this.#studio?.kill("SIGKILL");
    for (const { pid, command } of roles) if (command.includes(CLI)) process.kill(pid, "SIGKILL");
    await this.#closed;
    this.#studio = undefined;
  }

  async #children(): Promise<{ pid: number; command: string[] }[]> {
    const pid = this.#studio?.pid;
    if (pid === undefined) return [];
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    const pids = children.trim().split(" ").filter(Boolean).map(Number);
    return Promise.all(
      pids.map(async (child) => ({ pid: child, command: await commandOf(child) })),
    );
  }

  #readBanner(): boolean {
    const [, site, stream] = /Watch\s+(http:\S+)\/watch\/(\S+)/.exec(this.#output) ?? [];
    const [, rtmpUrl] = /OBS server\s+(rtmp:\S+)/.exec(this.#output) ?? [];
    const [, streamKey] = /OBS stream key\s+(\S+)/.exec(this.#output) ?? [];
    if (site === undefined || rtmpUrl === undefined || streamKey === undefined) {
      if (this.#studio?.exitCode != null) throw new Error(`The studio ended:\n${this.#output}`);
      return false;
    }
    this.httpUrl = site;
    this.rtmpUrl = rtmpUrl;
    this.streamKey = streamKey;
    this.apiKey = /API key\s+(\S+)/.exec(this.#output)?.[1] ?? this.apiKey;
    return stream !== undefined && /Data folder/.test(this.#output);
  }
}

/** The command line of this repository's CLI, for a child process. */
export function starling(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], {
    env: plainEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The environment without settings of whoever runs the tests. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith("STARLING_"));
  return Object.fromEntries(entries);
}

function portOf(url: string): string {
  return url === "" ? "0" : new URL(url.replace(/^rtmp:/, "http:")).port;
}

async function commandOf(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").filter(Boolean);
  } catch {
    return []; // It has ended in the meantime.
  }
}

/** A file of the package, from the sources as from dist/. */
export function packageFile(path: string): string {
  const isBuilt = import.meta.url.includes("/dist/test/");
  return fileURLToPath(new URL(isBuilt ? `../../${path}` : `../${path}`, import.meta.url));
}
