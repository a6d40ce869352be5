import { estimate, estimateText, MEASURES, PROTOCOLS } from "../simulator/index.ts";
import { commit, PrintedTable } from "./headline-page.ts";
import { type CostedRun, type HeadlineSize, type HeadlineWorld, WORLDS } from "./headline-rows.ts";
import { HeadlineRuns } from "./headline-runs.ts";

/** The scenarios 1, 3, 4 and 5 of the targets. */
const BASELINE_WORLDS: readonly HeadlineWorld[] = [
  { scenario: "tight-1k", set: [], quick: WORLDS.tight.quick },
  { scenario: "offload-1k", set: [], quick: WORLDS.offload.quick },
  { scenario: "churn-1k", set: [], quick: WORLDS.churn.quick },
  { scenario: "crash-half", set: [], quick: WORLDS.crash.quick },
];

/** Who is compared: every protocol, and Starling without its last resort, which most of the others lack. */
const CONTENDERS: readonly { readonly name: string; readonly set: readonly string[] }[] = [
  { name: "starling", set: [] },
  { name: "starling without HTTP", set: ["tuning.fetchMs=0"] },
  ...PROTOCOLS.filter(({ name }) => name !== "starling").map(({ name }) => ({
    name,
    set: [`protocol=${name}`],
  })),
];

/** Runs every protocol in the same worlds; gives the table's lines. The last line printed is JSON. */
export async function compareBaselines(
  size: HeadlineSize,
  file: string | undefined,
): Promise<readonly string[]> {
  const names = CONTENDERS.map(({ name }) => name);
  const table = new PrintedTable(["scenario", "figure", ...names]);
  const results: object[] = [];
  const worldsOf = (world: HeadlineWorld) =>
    CONTENDERS.map(({ set }) => ({ ...world, set: [...world.set, ...set] }));
  const all = new HeadlineRuns(size, BASELINE_WORLDS.flatMap(worldsOf), file);
  for (const world of BASELINE_WORLDS) {
    const runs: (readonly CostedRun[])[] = [];
    for (const contender of worldsOf(world)) runs.push(await all.of(contender));
    for (const { name: figure, unit, of } of [MEASURES.missD4, MEASURES.originBytes]) {
      const measured = runs.map((some) => estimate(some.map(({ result }) => of(result))));
      table.add([world.scenario, figure, ...measured.map((value) => estimateText(value, unit))]);
      const means = Object.fromEntries(names.map((key, index) => [key, measured[index]?.mean]));
      results.push({ scenario: world.scenario, figure, ...means });
    }
  }
  console.log(JSON.stringify({ bench: "baselines", ...size, commit: commit(), results }));
  return table.lines;
}
