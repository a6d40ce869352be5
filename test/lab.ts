import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { packageFile } from "./origin-process.ts";

const SOURCE = packageFile("test/lab/switch.c");
const execute = promisify(execFile);
/** The address of the first host, which is the machine itself. */
const FIRST_ADDRESS = "198.18.0.1";

/** How a host is connected. */
export interface LabLink {
  readonly uplinkKbps: number;
  readonly downlinkKbps: number;
  /** One way, to the middle of the network. */
  readonly delayMs: number;
  /** Share of the packets that it sends which are lost. */
  readonly lossShare: number;
  /** Share of the packets to it which are lost. Default 0. */
  readonly downlinkLossShare?: number;
}

export interface LabHost {
  readonly address: string;
  /** What to put before a command so that it runs on the host. */
  readonly enter: readonly string[];
}

/** Packets of one host: those it sent, and those that its links lost at random or for want of room. */
export interface LabTraffic {
  readonly sent: number;
  readonly lost: number;
  readonly dropped: number;
}

/** An emulated network: hosts in network namespaces, joined by the switch of test/lab/switch.c. */
export class Lab {
  readonly hosts: readonly LabHost[];
  readonly #switch: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #folder: string;

  private constructor(
    hosts: readonly LabHost[],
    parts: { child: ChildProcess; lines: AsyncIterator<string>; folder: string },
  ) {
    this.hosts = hosts;
    this.#switch = parts.child;
    this.#lines = parts.lines;
    this.#folder = parts.folder;
  }

  /** What this machine lacks to be a lab, and the cure; undefined if it can be one. */
  static async lacks(): Promise<string | undefined> {
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
      return "A lab makes network namespaces: it needs Linux and root.";
    }
    if (!(await exists("/dev/net/tun")))
      return "A lab needs /dev/net/tun: `modprobe tun` makes it.";
    for (const [program, source] of [
      ["cc", "gcc libc6-dev"],
      ["nsenter", "util-linux"],
    ] as const) {
      if (!(await runs(program)))
        return `A lab needs ${program}. Debian: apt-get install ${source}`;
    }
    const own = Object.values(networkInterfaces()).flat();
    if (!own.some((taken) => taken?.address === FIRST_ADDRESS)) return undefined;
    return `${FIRST_ADDRESS} is taken: another lab runs on this machine. Wait for its end.`;
  }

  /** Compiles the switch and starts a network; the first host is this machine. */
  static async start(links: readonly LabLink[]): Promise<Lab> {
    const lacking = await Lab.lacks();
    if (lacking !== undefined) throw new Error(lacking);
    const folder = await mkdtemp(join(tmpdir(), "starling-lab-"));
    try {
      const program = await compile(folder);
      const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      for (const link of links) {
        const { uplinkKbps, downlinkKbps, delayMs, lossShare, downlinkLossShare = 0 } = link;
        const fields = [uplinkKbps, downlinkKbps, delayMs, lossShare, downlinkLossShare];
        child.stdin.write(`${fields.join(" ")}\n`);
      }
      child.stdin.write("\n");
      const hosts: LabHost[] = [];
      for (let line = await next(lines); line !== "ready"; line = await next(lines)) {
        const [address = "", namespace = ""] = line.split(" ");
        const enter = hosts.length === 0 ? [] : ["nsenter", `--net=${namespace}`];
        hosts.push({ address, enter });
      }
      return new Lab(hosts, { child, lines, folder });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends the network, of which nothing is left once its programs have ended. Gives what each host sent. */
  async stop(): Promise<readonly LabTraffic[]> {
    const ended = once(this.#switch, "exit");
    this.#switch.stdin?.end();
    const traffic: LabTraffic[] = [];
    for (let host = 0; host < this.hosts.length; host++) {
      const [sent = 0, lost = 0, dropped = 0] = (await next(this.#lines)).split(" ").map(Number);
      traffic.push({ sent, lost, dropped });
    }
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
    return traffic;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function runs(program: string): Promise<boolean> {
  return execute(program, ["--version"]).then(
    () => true,
    () => false,
  );
}

async function compile(folder: string): Promise<string> {
  const program = join(folder, "switch");
  await execute("cc", ["-O2", "-o", program, SOURCE]);
  return program;
}

async function next(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("The switch of the lab ended; its error is above.");
  return value;
}
