import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { ScratchRedis } from "../pipeline/index.ts";

const ROLE_FILE = new URL("./pipeline-role.js", import.meta.url);
/** Linux counts CPU time in ticks of 10 ms (sysconf _SC_CLK_TCK). */
const TICK_S = 0.01;

/** A private origin: Redis, encoder, signer and API, each in its own process. */
export class BenchOrigin {
  readonly redis: Redis;
  readonly mediaRoot: string;
  readonly apiPort: number;
  readonly #scratch: ScratchRedis;
  readonly #roles: ReadonlyMap<string, ChildProcess>;
  readonly #redisPid: number;

  private constructor(parts: {
    scratch: ScratchRedis;
    redisPid: number;
    roles: ReadonlyMap<string, ChildProcess>;
    apiPort: number;
  }) {
    this.#scratch = parts.scratch;
    this.#roles = parts.roles;
    this.#redisPid = parts.redisPid;
    this.redis = parts.scratch.redis;
    this.apiPort = parts.apiPort;
    this.mediaRoot = join(parts.scratch.dir, "media");
  }

  static async start(): Promise<BenchOrigin> {
    const scratch = await ScratchRedis.start();
    const { dir, redis, url } = scratch;
    const shared = { redisUrl: url, mediaRoot: join(dir, "media") };
    const keyFile = join(dir, "manifest.jwk");
    const tokenKeyFile = join(dir, "token.jwk");
    const encoder = await startRole("encoder", shared);
    const signer = await startRole("signer", { ...shared, keyFile });
    const api = await startRole("api", {
      ...shared,
      ...{ tokenKeyFile, tokensPerMinute: 1_000_000, joinWork: 0 },
    });
    const roles = new Map([
      ["encoder", encoder.child],
      ["signer", signer.child],
      ["api", api.child],
    ]);
    const redisPid = Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
    return new BenchOrigin({
      scratch,
      redisPid,
      roles,
      apiPort: Number(api.report.port),
    });
  }

  /** CPU seconds that each process has used so far, the benchmark's own as "feed". */
  cpuSeconds(): ReadonlyMap<string, number> {
    const used = new Map([["redis", cpuSecondsOf(this.#redisPid)]]);
    for (const [role, { pid = 0 }] of this.#roles) used.set(role, cpuSecondsOf(pid));
    return used.set("feed", cpuSecondsOf(process.pid));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#roles.values()].map(stopChild));
    await this.#scratch.stop();
  }
}

/** What a role says once it runs. */
interface RoleReport extends Record<string, unknown> {
  readonly port?: number;
}

async function startRole(
  role: string,
  settings: object,
): Promise<{ child: ChildProcess; report: RoleReport }> {
  const child = fork(ROLE_FILE, [role, JSON.stringify(settings)]);
  const [report] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => {
      throw new Error(`The ${role} ended with exit code ${code} before it ran.`);
    }),
  ]);
  return { child, report };
}

/** Runs a role that reports once, when it has finished. */
export async function runRole(role: string, settings: object): Promise<Record<string, unknown>> {
  const { child, report } = await startRole(role, settings);
  await stopChild(child);
  return report;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.disconnect();
  await ended;
}

/** CPU seconds that all programs of this machine have used so far (proc(5), /proc/stat). */
export function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync(
    "/proc/stat",
    "latin1",
  )
    .slice("cpu".length)
    .trim()
    .split(/\s+/, 8)
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_S;
}

/** User and system time of a process and its threads (proc(5), /proc/pid/stat fields 14 and 15). */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_S;
}
