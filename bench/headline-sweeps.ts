import { estimateText, MEASURES, type MeasureName, measured } from "../simulator/index.ts";
import { commit, PrintedTable } from "./headline-page.ts";
import { type HeadlineSize, type HeadlineWorld, WORLDS } from "./headline-rows.ts";
import { HeadlineRuns } from "./headline-runs.ts";

/** The tight world, in which settings count, as small as it can be and long enough for all to have settled. */
const SWEPT: HeadlineWorld = {
  ...WORLDS.tight,
  set: [...WORLDS.tight.set, "peers=250", "joinOverS=15", "warmUpS=40", "durationS=65"],
  quick: [],
  seedsMax: 5,
};
/** The settings whose defaults the sweeps justify. */
const SWEEPS = [
  { key: "tuning.degree", values: ["6", "8", "12", "16", "24"] },
  { key: "clusterSize", values: ["25", "50", "100", "200"] },
  { key: "tuning.pushShare", values: ["0.5", "0.7", "0.85", "0.96"] },
  { key: "symbolBytes", values: ["4096", "8192", "16384", "32768"] },
  { key: "repairRatio", values: ["0", "0.1", "0.25", "0.5"] },
  { key: "blockMs", values: ["250", "333", "500", "1000"] },
] as const;

const FIGURES: readonly MeasureName[] = [
  "missD4",
  "symbolP99",
  "blockP99",
  "offload",
  "surplus",
  "control",
];

/** Runs the sweeps; gives tables and plots for a page. The last line printed is JSON. */
export async function runSweeps(
  size: HeadlineSize,
  file: string | undefined,
): Promise<readonly string[]> {
  const lines: string[] = [];
  const results: object[] = [];
  const worlds = SWEEPS.flatMap(({ key, values }) => values.map((value) => worldWith(key, value)));
  const runs = new HeadlineRuns(size, worlds, file);
  for (const { key, values } of SWEEPS) {
    const table = new PrintedTable([key, ...FIGURES.map((name) => MEASURES[name].name)]);
    const delaysMs: number[] = [];
    for (const value of values) {
      const some = (await runs.of(worldWith(key, value))).map(({ result }) => result);
      const cells = FIGURES.map((name) => estimateText(measured(some, name), MEASURES[name].unit));
      table.add([value, ...cells]);
      delaysMs.push(Math.round(measured(some, "blockP99").mean));
      const means = FIGURES.map((name) => [name, measured(some, name).mean]);
      results.push({ key, value, ...Object.fromEntries(means) });
    }
    lines.push(`### ${key}`, "", ...table.lines, "", ...plot(key, values, delaysMs), "");
  }
  console.log(JSON.stringify({ bench: "sweeps", ...size, commit: commit(), results }));
  return lines;
}

function worldWith(key: string, value: string): HeadlineWorld {
  return { ...SWEPT, set: [...SWEPT.set, `${key}=${value}`] };
}

/** A chart in Mermaid, which the page's readers draw. */
function plot(key: string, values: readonly string[], delaysMs: readonly number[]): string[] {
  return [
    "```mermaid",
    "xychart-beta",
    `  x-axis "${key}" [${values.join(", ")}]`,
    `  y-axis "block delay p99, ms" 0 --> ${Math.ceil(1.1 * Math.max(...delaysMs))}`,
    `  line [${delaysMs.join(", ")}]`,
    "```",
  ];
}
