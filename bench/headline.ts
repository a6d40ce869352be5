import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Estimate, estimate, estimateText, numberText } from "../simulator/index.ts";
import { compareBaselines } from "./headline-baselines.ts";
import { commit, PrintedTable, writeSection } from "./headline-page.ts";
import {
  type CostedRun,
  type HeadlineRow,
  type HeadlineSize,
  ROWS,
  WORLDS,
} from "./headline-rows.ts";
import { HeadlineRuns } from "./headline-runs.ts";
import { runSweeps } from "./headline-sweeps.ts";

const HELP = `Usage: npm run sim:headline -- [options]

Runs the scenarios of the project's targets in the simulator and prints, for each figure, what was
measured, what no protocol can beat, the best published result, and the target.

  --quick           fewer peers and seconds, two seeds: some minutes
  --seeds <n>       runs per scenario (default 20; 2 with --quick)
  --workers <n>     runs at a time (default: one per core)
  --only <ids>      these rows only, separated by commas: 1,3b
  --baselines       run every protocol in the scenarios 1, 3, 4 and 5 instead
  --resume <file>   keep finished runs in a file and do not make them again, so that a table can
                    be made in pieces; runs of other versions of the code do not count
  --sweeps          sweep the settings whose defaults matter instead (at most 5 seeds)
  --write <file>    put what was found between its markers in a Markdown file
  --help            this text

The last line of the output is JSON.`;

interface Outcome {
  readonly row: HeadlineRow;
  readonly value: Estimate;
  readonly isMet: boolean;
}

const SEEDS_DEFAULT = 20;
const SEEDS_QUICK = 2;
const HEAD = ["#", "scenario", "figure", "measured", "bound", "best published", "target", "met"];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    seeds: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
    only: { type: "string", default: "" },
    baselines: { type: "boolean", default: false },
    resume: { type: "string" },
    sweeps: { type: "boolean", default: false },
    write: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const seeds = values.seeds ?? String(values.quick ? SEEDS_QUICK : SEEDS_DEFAULT);
const { workers } = values;
const [wrong] = Object.entries({ seeds, workers }).filter(
  ([, text]) => !/^[1-9]\d{0,2}$/.test(text),
);
if (values.help) {
  console.log(HELP);
} else if (wrong !== undefined) {
  console.error(`--${wrong[0]}: expected a whole number from 1 to 999, not "${wrong[1]}".`);
  process.exitCode = 2;
} else {
  await run({ isQuick: values.quick, seeds: Number(seeds), workers: Number(workers) });
}

async function run(size: HeadlineSize): Promise<void> {
  const only = values.only === "" ? "" : ` --only ${values.only}`;
  const flags = `${only}${size.isQuick ? " --quick" : ""} --seeds ${size.seeds}`;
  const section = async (name: string, flag: string, lines: Promise<readonly string[]>) => {
    const command = `npm run sim:headline --${flag}${flags}`;
    if (values.write === undefined) await lines;
    else writeSection(values.write, name, command, await lines);
  };
  if (values.baselines)
    await section("baselines", " --baselines", compareBaselines(size, values.resume));
  else if (values.sweeps) await section("sweeps", " --sweeps", runSweeps(size, values.resume));
  else await section("headline", "", headline(size));
}

/** Gives the table's lines. The last line printed is JSON. */
async function headline(size: HeadlineSize): Promise<readonly string[]> {
  const outcomes: Outcome[] = [];
  const rows = ROWS.filter(({ id }) => isWanted(id));
  const names = rows.flatMap(({ world, beside }) =>
    beside === undefined ? [world] : [beside, world],
  );
  const runs = new HeadlineRuns(
    size,
    names.map((name) => WORLDS[name]),
    values.resume,
  );
  const table = new PrintedTable(HEAD);
  for (const row of rows) {
    const beside = row.beside === undefined ? [] : await runs.of(WORLDS[row.beside]);
    const outcome = outcomeOf(row, await runs.of(WORLDS[row.world]), beside);
    outcomes.push(outcome);
    table.add(cells(outcome));
  }
  console.log(JSON.stringify(summary(outcomes, size)));
  return table.lines;
}

/** "3" names the rows 3a and 3b, "3b" itself. */
function isWanted(id: string): boolean {
  const number = String(Number.parseInt(id, 10));
  return (
    values.only === "" || values.only.split(",").some((word) => word === id || word === number)
  );
}

function outcomeOf(
  row: HeadlineRow,
  runs: readonly CostedRun[],
  beside: readonly CostedRun[],
): Outcome {
  const pairOf = ({ result: { seed } }: CostedRun) =>
    beside.find(({ result }) => result.seed === seed);
  const value = estimate(runs.map((run) => row.of(run, pairOf(run))));
  const isMet = row.isMoreBetter ? value.mean >= row.target : value.mean <= row.target;
  return { row, value, isMet };
}

function cells({ row, value, isMet }: Outcome): string[] {
  const sign = row.isMoreBetter ? "≥" : "≤";
  return [
    row.id,
    WORLDS[row.world].scenario,
    row.what,
    estimateText(value, row.unit),
    row.bound,
    row.best,
    `${sign} ${numberText(row.target, row.unit)}`,
    isMet ? "yes" : "**no**",
  ];
}

function summary(outcomes: readonly Outcome[], { isQuick, seeds: count }: HeadlineSize): object {
  return {
    bench: "headline",
    quick: isQuick,
    seeds: count,
    commit: commit(),
    rows: outcomes.map(({ row, value, isMet }) => ({
      id: row.id,
      measured: value.mean,
      halfWidth: Number.isFinite(value.halfWidth) ? value.halfWidth : null,
      target: row.target,
      met: isMet,
    })),
    missed: outcomes.filter(({ isMet }) => !isMet).length,
  };
}
