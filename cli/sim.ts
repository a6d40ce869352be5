import { readFileSync } from "node:fs";
import { errorCode, StarlingError } from "../core/index.ts";
import {
  type ReportContent,
  type RunGroup,
  type RunResult,
  type SweptGroup,
  sweepCharts,
} from "../simulator/index.ts";
import { type GivenFlags, type SimChoices, simChoices } from "./sim-flags.ts";
import { listing } from "./sim-list.ts";
import { runJobs, type SimRun } from "./sim-pool.ts";
import { SimProgress } from "./sim-progress.ts";
import { writeOutput, writeReport } from "./sim-report.ts";
import { comparisonText, runsText, simLine, sweepText } from "./sim-text.ts";
import { type SimSide, type SimWorld, simSide, simWorld, sweptWorlds } from "./sim-worlds.ts";
import { listenForStop } from "./stop-signal.ts";
import { Terminal } from "./terminal.ts";

/** Runs of one world, one a seed. */
interface WorldRuns {
  readonly label: string;
  readonly runs: readonly SimRun[];
}

const SEEDS_TO_COMPARE = 5;
/** What a shell gives for a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** The commands `starling sim ...`: arguments and flags as they were given. */
export const SIM_COMMANDS = {
  list: async () => {
    console.log(listing());
  },

  run: async ([scenario = ""]: readonly string[], flags: GivenFlags) => {
    const choices = simChoices(flags, 1);
    const world = simWorld(scenario, scenario, assignmentsOf(choices));
    const groups = await runWorlds([world], choices);
    finish(choices, groups, { text: groups.map(runsText).join("\n"), title: scenario });
  },

  compare: async ([a = "", b = ""]: readonly string[], flags: GivenFlags) => {
    const choices = simChoices(flags, SEEDS_TO_COMPARE);
    const first = simSide(a, assignmentsOf(choices));
    const second = simSide(b, assignmentsOf(choices), first);
    const files = [first, second].map((side) =>
      side.kind === "file" ? readRuns(side) : undefined,
    );
    const worlds = [first, second].flatMap((side) => (side.kind === "world" ? [side.world] : []));
    const made = await runWorlds(worlds, choices);
    const [left, right] = files.map((read) => read ?? made.shift());
    if (left === undefined || right === undefined) return;
    const text = comparisonText(left, right);
    finish(choices, [left, right], { text, title: `${a} and ${b}` });
  },

  sweep: async ([scenario = "", ...sweeps]: readonly string[], flags: GivenFlags) => {
    const choices = simChoices(flags, SEEDS_TO_COMPARE);
    const worlds = sweptWorlds(scenario, assignmentsOf(choices), sweeps);
    const groups = await runWorlds(worlds, choices);
    const text = sweepText(groups);
    finish(choices, groups, {
      text,
      title: `${scenario}: ${sweeps.join(" ")}`,
      charts: chartsOf(groups),
    });
  },
} as const satisfies Record<string, (args: readonly string[], flags: GivenFlags) => Promise<void>>;

function assignmentsOf({ assignments, baseline }: SimChoices): readonly string[] {
  return baseline === undefined ? assignments : [...assignments, `protocol=${baseline}`];
}

/** Runs each world with each seed; ends the process at Ctrl-C. */
async function runWorlds(worlds: readonly SimWorld[], choices: SimChoices): Promise<WorldRuns[]> {
  if (worlds.length === 0) return [];
  const jobs = worlds.flatMap((world) => choices.seeds.map((seed) => ({ world, seed })));
  const progress = new SimProgress(new Terminal(process.stderr), jobs);
  const stop = new AbortController();
  const asked = listenForStop().asked.then((signal) => stop.abort(new Stopped(signal)));
  void asked;
  try {
    const runs = await runJobs(jobs, choices.workers, stop.signal, progress);
    const count = choices.seeds.length;
    return worlds.map(({ label }, index) => ({
      label,
      runs: runs.slice(index * count, (index + 1) * count),
    }));
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    progress.close();
    console.error(error.message);
    process.exit(EXIT_INTERRUPTED);
  } finally {
    progress.close();
  }
}

class Stopped extends Error {
  constructor(signal: string) {
    super(`Stopped by ${signal}; nothing was written.`);
  }
}

interface Outcome {
  readonly text: string;
  readonly title: string;
  readonly charts?: ReportContent["charts"];
}

/** Writes what was asked for, then the text for a person, then the JSON line. */
function finish(choices: SimChoices, groups: readonly WorldRuns[], outcome: Outcome): void {
  const command = `starling ${process.argv.slice(2).map(quoted).join(" ")}`;
  if (choices.jsonFile !== undefined) {
    const results = groups.flatMap(({ runs }) => runs);
    writeOutput(choices.jsonFile, `${JSON.stringify(results, null, 1)}\n`);
  }
  if (choices.reportFile !== undefined) {
    const { title, charts = {} } = outcome;
    writeReport(choices.reportFile, { title, command, charts, groups: groups.map(resultsOf) });
  }
  if (!choices.isJson) console.log(`${outcome.text}\n`);
  console.log(JSON.stringify(simLine(groups)));
}

function resultsOf({ label, runs }: WorldRuns): RunGroup {
  return { label, runs: runs.map(({ result }) => result) };
}

/** Charts over the first key of a sweep, if all of its values are numbers. */
function chartsOf(groups: readonly WorldRuns[]): NonNullable<ReportContent["charts"]> {
  const key = /^[^=]+/.exec(groups[0]?.label ?? "")?.[0] ?? "";
  const swept = groups.map((group): SweptGroup => {
    const [first = "", ...others] = group.label.split(" ");
    return { ...resultsOf(group), x: Number(first.slice(key.length + 1)), line: others.join(" ") };
  });
  return swept.some(({ x }) => Number.isNaN(x)) ? {} : sweepCharts(key, swept);
}

/** Results that `--json FILE` wrote. Throws StarlingError "bad-results". */
function readRuns({ file }: Extract<SimSide, { kind: "file" }>): WorldRuns {
  try {
    const runs: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (Array.isArray(runs) && runs.length > 0 && runs.every(isRun)) return { label: file, runs };
  } catch (error) {
    if (errorCode(error) === "ENOENT") {
      throw new StarlingError("bad-results", `${file}: there is no such file.`);
    }
  }
  throw new StarlingError(
    "bad-results",
    `${file}: expected results that sim run --json FILE wrote.`,
  );
}

function isRun(value: unknown): value is SimRun {
  if (typeof value !== "object" || value === null || !("result" in value)) return false;
  const { seed, missRatio } = value.result as Partial<RunResult>;
  return typeof seed === "number" && missRatio !== undefined;
}

function quoted(word: string): string {
  return /^[\w=.,:/+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
