import { StarlingError } from "../core/index.ts";
import {
  boundRows,
  type Estimate,
  estimateText,
  isSignificant,
  MEASURE_NAMES,
  MEASURES,
  type MeasureName,
  measured,
  numberText,
  pairedDifference,
  type RunResult,
} from "../simulator/index.ts";
import type { SimRun } from "./sim-pool.ts";
import { textTable } from "./text-table.ts";

interface WorldRuns {
  readonly label: string;
  readonly runs: readonly SimRun[];
}

const SWEPT: readonly MeasureName[] = [
  "missD4",
  "symbolP99",
  "blockP99",
  "offload",
  "surplus",
  "control",
];
const BAR_CELLS = 16;

/** The figures of one world beside its bounds, and its runs. */
export function runsText({ runs }: WorldRuns): string {
  const results = runs.map(({ result }) => result);
  const bounds = new Map(boundRows(results).map((row) => [row.name, row]));
  const rows = MEASURE_NAMES.map((name) => {
    const { name: words, unit } = MEASURES[name];
    const value = measured(results, name);
    const bound = bounds.get(words)?.bound;
    return [
      words,
      estimateText(value, unit),
      bound === undefined ? "" : numberText(bound, unit),
      bound === undefined ? "" : numberText(value.mean / bound, "ratio"),
    ];
  });
  return [
    textTable(["", "measured", "bound", "measured / bound"], rows),
    ...results.flatMap(attackText),
    textTable(["run", "trace hash", "events", "wall", "heap"], runs.map(runRow)),
  ].join("\n\n");
}

function runRow({ result, wallS, heapMiB }: SimRun): readonly string[] {
  return [
    `seed ${result.seed}`,
    result.traceHash,
    numberText(result.cost.events, "count"),
    `${wallS.toFixed(1)} s`,
    `${Math.round(heapMiB)} MiB`,
  ];
}

function attackText({ seed, attack }: RunResult): readonly string[] {
  if (attack === undefined) return [];
  const { attackers, caught, caughtWithin30S, falselyCaught, badAccepted, badForwarded } = attack;
  return [
    `seed ${seed}: ${attackers} attackers, ${numberText(caught, "share")} caught, ` +
      `${numberText(caughtWithin30S, "share")} within 30 s, ${numberText(falselyCaught, "share")} of honest viewers accused; ` +
      `wrong symbols used ${badAccepted}, passed on ${badForwarded}; longest eclipse ${numberText(attack.eclipsedMaxS, "s")}`,
  ];
}

/** Two worlds side by side, and their difference seed by seed. Throws StarlingError "seeds-differ". */
export function comparisonText(a: WorldRuns, b: WorldRuns): string {
  const seeds = ({ runs }: WorldRuns) => runs.map(({ result }) => result.seed).join(", ");
  if (seeds(a) !== seeds(b)) {
    throw new StarlingError(
      "seeds-differ",
      `${a.label} has the seeds ${seeds(a)}, ${b.label} ${seeds(b)}: run both with the same --seed and --seeds.`,
    );
  }
  const rows = MEASURE_NAMES.map((name) => {
    const { name: words, unit, of } = MEASURES[name];
    const [left, right] = [a, b].map(({ runs }) => runs.map(({ result }) => of(result)));
    const difference = pairedDifference(left ?? [], right ?? []);
    return [
      words,
      ...[a, b].map(({ runs }) =>
        numberText(
          measured(
            runs.map(({ result }) => result),
            name,
          ).mean,
          unit,
        ),
      ),
      estimateText(difference, unit),
      verdict(difference, MEASURES[name].isMoreBetter),
    ];
  });
  const note =
    a.runs.length === 1
      ? "One seed tells no difference from chance: add --seeds 10."
      : "Differences are means over pairs of runs with one seed, with 95 % confidence intervals.";
  return `${textTable(["", a.label, b.label, "difference", ""], rows)}\n\n${note}`;
}

function verdict(difference: Estimate, isMoreBetter: boolean): string {
  if (difference.mean === 0 || !isSignificant(difference)) return "";
  return difference.mean > 0 === isMoreBetter ? "better" : "worse";
}

/** One line for each combination, and bars for the block delay. */
export function sweepText(groups: readonly WorldRuns[]): string {
  const results = groups.map(({ runs }) => runs.map(({ result }) => result));
  const delays = results.map((runs) => measured(runs, "blockP99").mean);
  const longest = Math.max(...delays);
  const rows = groups.map(({ label }, index) => [
    label,
    ...SWEPT.map((name) => estimateText(measured(results[index] ?? [], name), MEASURES[name].unit)),
    "▇".repeat(Math.round((BAR_CELLS * (delays[index] ?? 0)) / longest)).padEnd(BAR_CELLS),
  ]);
  return textTable(["", ...SWEPT.map((name) => MEASURES[name].name), "block delay p99"], rows);
}

/** What the last line says: all figures but distributions, time series and topology. */
export function simLine(groups: readonly WorldRuns[]): object {
  const worlds = groups.map(worldLine);
  return worlds.length === 1 ? { bench: "sim", ...worlds[0] } : { bench: "sim", worlds };
}

function worldLine({ label, runs }: WorldRuns): object {
  const results = runs.map(({ result }) => result);
  const [first] = results;
  return {
    label,
    scenario: first?.scenario,
    protocol: first?.protocol,
    peers: first?.peers,
    durationS: first?.durationS,
    settings: first?.settings,
    measures: Object.fromEntries(
      MEASURE_NAMES.map((name) => [name, finite(measured(results, name))]),
    ),
    runs: runs.map(({ result, wallS, heapMiB }) => ({
      ...summary(result),
      wallS: Number(wallS.toFixed(2)),
      heapMiB: Math.round(heapMiB),
    })),
  };
}

/** JSON has no infinity: the interval of a single run is null. */
function finite({ mean, halfWidth }: Estimate): object {
  return { mean, halfWidth: Number.isFinite(halfWidth) ? halfWidth : null };
}

function summary(result: RunResult): object {
  const { scenario, protocol, peers, durationS, warmUpS, settings, series, topology, ...rest } =
    result;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !name.endsWith("Cdf")));
}
