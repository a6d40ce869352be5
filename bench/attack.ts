import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { estimateText, numberText } from "../simulator/index.ts";
import { CHANNEL_ATTACKS } from "./attack/channel-attacks.ts";
import { DOOR_ATTACKS } from "./attack/door-attacks.ts";
import { JOIN_STORMS } from "./attack/join-storm.ts";
import { MESH_ATTACKS } from "./attack/mesh-attacks.ts";
import { type Attack, type AttackRow, AttackStage } from "./attack/stage.ts";
import { WORLD_ATTACKS, type WorldRow, worldRow } from "./attack/worlds.ts";
import { PrintedTable } from "./headline-page.ts";
import { HeadlineRuns } from "./headline-runs.ts";

const HELP = `Usage: npm run attack -- [options]

Attacks a real origin, one attack after the other, each beside an honest viewer, and then the mesh at
scale in the simulator: 1,000 honest viewers, each world beside the same one in peace.

  --quick           worlds of 100 honest viewers, two seeds; under five minutes
  --part <name>     processes or simulator only
  --only <names>    these attacks only, separated by commas
  --seeds <n>       runs per world (default 5; 2 with --quick)
  --workers <n>     worlds at a time (default: one per core)
  --resume <file>   keep finished worlds in a file and do not run them again
  --help            this text

A real attack is stopped when its attacker was refused or cut; one at scale when the honest miss no
more, and are accused no more often, than the targets allow. The last line is JSON. The status is 1
when a real attack was not stopped, or a bad byte got through anywhere.`;

const SEEDS_DEFAULT = 5;
const SEEDS_QUICK = 2;
const Z_95 = 1.96;
const HEAD = ["attack", "where", "bad bytes", "honest miss", "in peace", "cut after"];
const HEAD_END = ["falsely accused", "overhead", "stopped", ""];

const NOTHING: Attack = {
  name: "none",
  seconds: 4,
  run: async (_stage, seconds) => {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return { stopped: true, cutMs: null, detail: "" };
  },
};

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    part: { type: "string" },
    only: { type: "string" },
    seeds: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
    resume: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const only = values.only?.split(",");

function isWanted(name: string): boolean {
  return only === undefined || only.includes(name);
}

async function main(): Promise<void> {
  const table = new PrintedTable([...HEAD, ...HEAD_END]);
  const rows = values.part === "simulator" ? [] : await attackProcesses(table);
  const worlds = values.part === "processes" ? [] : await attackWorlds(table);
  const all = [...rows, ...worlds];
  const badBytes = all.reduce((sum, row) => sum + row.badBytes, 0);
  const missed = all.filter(({ stopped }) => !stopped).length;
  const json = [
    ...rows.map((row) => ({ where: "processes", ...row })),
    ...worlds.map((row) => ({ where: "simulator", ...row })),
  ];
  console.log(JSON.stringify({ bench: "attack", rows: json, badBytes, missed }));
  if (badBytes > 0 || rows.some(({ stopped }) => !stopped)) process.exitCode = 1;
}

async function attackProcesses(table: PrintedTable): Promise<readonly AttackRow[]> {
  const attacks = [NOTHING, ...MESH_ATTACKS, ...CHANNEL_ATTACKS, ...DOOR_ATTACKS, ...JOIN_STORMS];
  const wanted = attacks.filter(({ name }) => isWanted(name));
  if (wanted.length === 0) return [];
  const stage = await AttackStage.open();
  const rows: AttackRow[] = [];
  try {
    for (const attack of wanted) {
      const row = await stage.row(attack);
      rows.push(row);
      table.add(cellsOf(row, rows[0]));
    }
  } finally {
    await stage.close();
  }
  return rows;
}

async function attackWorlds(table: PrintedTable): Promise<readonly WorldRow[]> {
  const { quick: isQuick, resume } = values;
  const seeds = Number(values.seeds ?? (isQuick ? SEEDS_QUICK : SEEDS_DEFAULT));
  const wanted = WORLD_ATTACKS.filter(({ attack }) => isWanted(attack));
  const planned = wanted.flatMap(({ world, peace }) => [world, peace]);
  const runs = new HeadlineRuns(
    { isQuick, seeds, workers: Number(values.workers) },
    planned,
    resume,
  );
  const rows: WorldRow[] = [];
  for (const attack of wanted) {
    const row = await worldRow(attack, runs);
    rows.push(row);
    table.add(cellsOfWorld(row));
  }
  return rows;
}

function cellsOf(row: AttackRow, first: AttackRow | undefined): string[] {
  return [
    row.attack,
    "processes",
    String(row.badBytes),
    missOf(row),
    first?.attack === NOTHING.name ? missOf(first) : "–",
    row.cutMs === null ? "–" : `${row.cutMs} ms`,
    String(row.falselyAccused),
    "–",
    row.stopped ? "yes" : "**no**",
    row.detail,
  ];
}

function cellsOfWorld(row: WorldRow): string[] {
  return [
    row.attack,
    `${row.honest} honest`,
    String(row.badBytes),
    estimateText(row.miss, "share"),
    estimateText(row.missInPeace, "share"),
    cutText(row),
    numberText(row.falselyAccused, "share"),
    numberText(row.overhead, "share"),
    row.stopped ? "yes" : "**no**",
    `one eclipsed for ${numberText(row.eclipsedMaxS, "s")}, the first viewer missed ${numberText(row.victimMiss, "share")}`,
  ];
}

/** What an honest viewer missed, with the 95 % confidence interval of a share (Wilson): few segments say little. */
function missOf({ missed, segments }: AttackRow): string {
  const n = missed + segments;
  const share = missed / n;
  const z2 = Z_95 ** 2;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z_95 * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  const [low, high] = [Math.max(0, centre - half), centre + half];
  return `${numberText(share, "share")} (${numberText(low, "share")} to ${numberText(high, "share")})`;
}

/** Who breaks a rule is cut; who gives nothing is distrusted, and fed last. */
function cutText({ cutMs, caughtAfterS }: WorldRow): string {
  if (cutMs !== null) return numberText(cutMs, "ms");
  return caughtAfterS === null ? "–" : `half distrusted in ${numberText(caughtAfterS, "s")}`;
}

if (values.help) console.log(HELP);
else await main();
