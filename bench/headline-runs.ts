import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findScenario } from "../simulator/index.ts";
import type { CostedRun, HeadlineSize, HeadlineWorld } from "./headline-rows.ts";

const PROGRAM = fileURLToPath(new URL("../cli/main.js", import.meta.url));
/** What a run depends on. */
const CODE_FOLDERS = ["core", "mesh", "simulator"];

/** A run that is to be made. */
interface Job {
  readonly scenario: string;
  readonly set: readonly string[];
  readonly seed: number;
}

/**
 * Makes the runs of worlds, each in a process of its own and some at a time, and
 * tells on the standard error how far it is. Ends this process when a run fails.
 */
export class HeadlineRuns {
  readonly #size: HeadlineSize;
  /** Where finished runs are kept, a line of JSON each. */
  readonly #file: string | undefined;
  readonly #version: string;
  readonly #runs = new Map<string, CostedRun>();
  readonly #startedAtMs = performance.now();
  /** Peers x virtual seconds: of what is to be made, and of what was made since the start. */
  #plannedWork = 0;
  #doneWork = 0;

  /** `planned`: all worlds that will be asked for. `file`: finished runs are read from it and added to it. */
  constructor(size: HeadlineSize, planned: Iterable<HeadlineWorld>, file: string | undefined) {
    this.#size = size;
    const code = file === undefined ? undefined : codeVersion();
    if (file !== undefined && code === undefined) {
      console.error(`Nothing is kept in ${file}: commit ${CODE_FOLDERS.join(", ")} first.`);
    }
    this.#file = code === undefined ? undefined : file;
    this.#version = code ?? "";
    if (this.#file !== undefined && existsSync(this.#file)) this.#read(this.#file);
    const jobs = new Map(
      [...planned].flatMap((world) => this.#jobs(world)).map((job) => [this.#keyOf(job), job]),
    );
    for (const [key, job] of jobs) if (!this.#runs.has(key)) this.#plannedWork += workOf(job);
  }

  /** The runs of a world, one for each seed. */
  async of(world: HeadlineWorld): Promise<readonly CostedRun[]> {
    const jobs = this.#jobs(world);
    const missing = jobs.filter((job) => !this.#runs.has(this.#keyOf(job)));
    const lane = async () => {
      for (let job = missing.shift(); job !== undefined; job = missing.shift()) {
        await this.#make(job);
      }
    };
    await Promise.all(Array.from({ length: this.#size.workers }, lane));
    return jobs.map((job) => this.#runs.get(this.#keyOf(job)) as CostedRun);
  }

  #jobs(world: HeadlineWorld): Job[] {
    const { isQuick, seeds } = this.#size;
    const set = isQuick ? [...world.set, ...world.quick] : world.set;
    return Array.from({ length: Math.min(seeds, world.seedsMax ?? seeds) }, (_, at) => ({
      scenario: world.scenario,
      set,
      seed: at + 1,
    }));
  }

  async #make(job: Job): Promise<void> {
    const run = await runOf(job);
    const key = this.#keyOf(job);
    this.#runs.set(key, run);
    // A line that an interrupted run left unfinished must not spoil this one.
    if (this.#file !== undefined) appendFileSync(this.#file, `\n${JSON.stringify({ key, run })}\n`);
    this.#doneWork += workOf(job);
    const spentS = (performance.now() - this.#startedAtMs) / 1000;
    const leftS = (spentS * (this.#plannedWork - this.#doneWork)) / this.#doneWork;
    const share = Math.round((100 * this.#doneWork) / this.#plannedWork);
    console.error(
      `${share} %, about ${durationText(leftS)} to go: ${[job.scenario, ...job.set].join(" ")}, seed ${job.seed}, ${Math.round(run.cpuS)} s`,
    );
  }

  #read(file: string): void {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (!line.startsWith("{") || !line.endsWith("}")) continue;
      const { key, run } = JSON.parse(line) as { key: string; run: CostedRun };
      this.#runs.set(key, run);
    }
  }

  /** The same for runs that give the same: of one version of the code. */
  #keyOf({ scenario, set, seed }: Job): string {
    return [this.#version, scenario, ...set, seed].join(" ");
  }
}

/** The last commit that changed what runs depend on; undefined if files differ from it. */
function codeVersion(): string | undefined {
  const git = (...args: readonly string[]) =>
    execFileSync("git", [...args, "--", ...CODE_FOLDERS], { encoding: "utf8" }).trim();
  if (git("status", "--porcelain") !== "") return undefined;
  return git("log", "-1", "--format=%h");
}

function workOf({ scenario, set }: Job): number {
  const assignments = set.filter((assignment) => !assignment.startsWith("protocol="));
  const { peers, crowdPeers, sybils, durationS } = findScenario(scenario, assignments).settings;
  return (peers + crowdPeers + sybils) * durationS;
}

function durationText(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Runs `starling sim run` for one seed and gives what tables need of its result. */
async function runOf({ scenario, set, seed }: Job): Promise<CostedRun> {
  const folder = mkdtempSync(join(tmpdir(), "starling-headline-"));
  const file = join(folder, "results.json");
  try {
    const sets = set.flatMap((assignment) => ["--set", assignment]);
    const args = ["sim", "run", scenario, ...sets, "--seed", String(seed), "--json", file];
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let told = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (status !== 0) {
      console.error(told);
      process.exit(status ?? 1);
    }
    const [run] = JSON.parse(readFileSync(file, "utf8")) as readonly CostedRun[];
    if (run === undefined) throw new Error(`${file}: expected a run.`);
    return { ...run, result: withoutPlots(run.result) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function withoutPlots(result: CostedRun["result"]): CostedRun["result"] {
  const nothing = { symbolDelayCdf: [], blockDelayCdf: [], peerMissCdf: [] };
  return { ...result, ...nothing, topology: { nodes: [], edges: [] } };
}
