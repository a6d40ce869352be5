import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  type Estimate,
  estimate,
  estimateText,
  MEASURES,
  numberText,
  PROTOCOLS,
} from "../simulator/index.ts";
import {
  BASELINE_WORLDS,
  type CostedRun,
  type HeadlineRow,
  type HeadlineWorld,
  ROWS,
  WORLDS,
  type WorldName,
} from "./headline-rows.ts";
import { commandOf, type HeadlineSize, runCommand } from "./headline-runs.ts";

const HELP = `Usage: npm run sim:headline -- [options]

Runs the scenarios of the project's targets in the simulator and prints, for each figure, what was
measured, what no protocol can beat, the best published result, and the target.

  --quick           fewer peers and seconds, two seeds: some minutes
  --seeds <n>       runs per scenario (default 20; 2 with --quick)
  --only <ids>      these rows only, separated by commas: 1,3b
  --baselines       run every protocol in the scenarios 1, 3, 4 and 5 instead
  --write <file>    put the table between its markers in a Markdown file
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
    only: { type: "string", default: "" },
    baselines: { type: "boolean", default: false },
    write: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const seeds = values.seeds ?? String(values.quick ? SEEDS_QUICK : SEEDS_DEFAULT);
if (values.help) {
  console.log(HELP);
} else if (!/^[1-9]\d{0,2}$/.test(seeds)) {
  console.error(`--seeds: expected a whole number from 1 to 999, not "${seeds}".`);
  process.exitCode = 2;
} else {
  const size = { isQuick: values.quick, seeds: Number(seeds) };
  await (values.baselines ? baselines(size) : headline(size));
}

async function headline(size: HeadlineSize): Promise<void> {
  const rows = ROWS.filter(({ id }) => isWanted(id));
  const lines: string[][] = [];
  const outcomes: Outcome[] = [];
  const worlds = new Map<WorldName, readonly CostedRun[]>();
  print(HEAD);
  print(HEAD.map(() => "---"));
  const runsOf = async (name: WorldName) => {
    const runs = worlds.get(name) ?? (await runCommand(commandOf(WORLDS[name], size)));
    worlds.set(name, runs);
    return runs;
  };
  for (const row of rows) {
    const beside = row.beside === undefined ? [] : await runsOf(row.beside);
    const outcome = outcomeOf(row, await runsOf(row.world), beside);
    outcomes.push(outcome);
    lines.push(cells(outcome));
    print(cells(outcome));
  }
  write("headline", size, [HEAD, HEAD.map(() => "---"), ...lines]);
  console.log(JSON.stringify(summary(outcomes, size)));
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

/** Miss ratio at 4 s and origin bytes of every protocol, in the same worlds. */
async function baselines(size: HeadlineSize): Promise<void> {
  const names = PROTOCOLS.map(({ name }) => name);
  const head = ["scenario", "figure", ...names];
  const lines: string[][] = [];
  const results: object[] = [];
  print(head);
  print(head.map(() => "---"));
  for (const name of BASELINE_WORLDS) {
    const world: HeadlineWorld = WORLDS[name];
    const runs: (readonly CostedRun[])[] = [];
    for (const protocol of names) runs.push(await runCommand(commandOf(world, size, protocol)));
    for (const measure of [MEASURES.missD4, MEASURES.originBytes]) {
      const measured = runs.map((some) => estimate(some.map(({ result }) => measure.of(result))));
      const texts = measured.map((value) => estimateText(value, measure.unit));
      const line = [world.scenario, measure.name, ...texts];
      lines.push(line);
      print(line);
      const means = Object.fromEntries(names.map((key, index) => [key, measured[index]?.mean]));
      results.push({ scenario: world.scenario, figure: measure.name, ...means });
    }
  }
  write("baselines", size, [head, head.map(() => "---"), ...lines]);
  console.log(JSON.stringify({ bench: "baselines", seeds: size.seeds, commit: commit(), results }));
}

function print(line: readonly string[]): void {
  console.log(markdown(line));
}

function markdown(line: readonly string[]): string {
  return `| ${line.join(" | ")} |`;
}

/** Puts a table between `<!-- name -->` and `<!-- end of name -->` of the file of --write. */
function write(name: string, size: HeadlineSize, lines: readonly (readonly string[])[]): void {
  if (values.write === undefined) return;
  const page = readFileSync(values.write, "utf8");
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from === -1 || to < from) {
    console.error(`${values.write}: expected the lines ${start} and ${end}.`);
    process.exitCode = 2;
    return;
  }
  const flags = `${size.isQuick ? " --quick" : ""}${name === "baselines" ? " --baselines" : ""}`;
  const caption = `\`npm run sim:headline --${flags} --seeds ${size.seeds}\`, seeds 1 to ${size.seeds}, at ${commit()}; mean ± 95 % confidence interval.`;
  const table = [caption, "", ...lines.map(markdown)].join("\n");
  writeFileSync(
    values.write,
    `${page.slice(0, from + start.length)}\n\n${table}\n\n${page.slice(to)}`,
  );
}

function commit(): string {
  return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
}
