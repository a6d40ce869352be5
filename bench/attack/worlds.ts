import { type Estimate, estimate, type RunResult } from "../../simulator/index.ts";
import type { CostedRun, HeadlineWorld } from "../headline-rows.ts";
import type { HeadlineRuns } from "../headline-runs.ts";

const HONEST = 1000;
const HONEST_QUICK = 100;
/** Late enough for all to have joined and settled. */
const QUICK = ["joinOverS=3", "durationS=22", "warmUpS=13"];

const FALSE_ACCUSATIONS_MAX = 0.005;
const OVERHEAD_MAX = 0.01;

/** An attack in a world of 1,000 honest viewers, 100 in the quick form, and the same world in peace. */
export interface WorldAttack {
  readonly attack: string;
  readonly world: HeadlineWorld;
  readonly peace: HeadlineWorld;
  /** Share of blocks that honest viewers may miss 4 s after release. */
  readonly missMax: number;
  /** How long after its first symbol an attacker may be connected. */
  readonly cutMsMax?: number;
}

/** What one world gave. Shares are of blocks of honest viewers, honest viewers, and bytes played. */
export interface WorldRow {
  readonly attack: string;
  readonly honest: number;
  readonly badBytes: number;
  readonly miss: Estimate;
  readonly missInPeace: Estimate;
  /** The longest time from an attacker's first symbol until it was cut; null: nobody was. */
  readonly cutMs: number | null;
  /** When half of the attackers were distrusted, seconds; null: in some run they were not. */
  readonly caughtAfterS: number | null;
  readonly falselyAccused: number;
  readonly overhead: number;
  /** The longest time that a viewer had attackers only around it, and what the victim of an eclipse missed. */
  readonly eclipsedMaxS: number;
  readonly victimMiss: number;
  readonly stopped: boolean;
}

/** The attacks at scale, as issue and targets name them. */
export const WORLD_ATTACKS: readonly WorldAttack[] = [
  shared("pollution 20 %", "polluters", 0.2, { cutMsMax: 2000 }),
  shared("omission 20 %", "byzantine-omission", 0.2),
  shared("collusion 40 %", "byzantine-collude", 0.4, { missMax: 5e-3 }),
  shared("free-riders 50 % BB20", "free-riders-bb20", 0.5),
  shared("free-riders 30 % TIGHT", "free-riders-tight", 0.3),
  crowd("4000 Sybils with tokens", "sybil", 4000),
  crowd("4000 Sybils without tokens", "sybil", 4000, ["sybilTokens=0"]),
  crowd("eclipse of one viewer by 200", "eclipse", 200),
  shared("capacity liars 20 %", "liars", 0.2),
  shared("request flood 5 %", "floods", 0.05),
  shared("slander 20 %", "slander", 0.2),
  shared("whitewashing 20 %", "whitewash", 0.2),
];

/** An attack by a share of the viewers; as many more of them that all the honest ones are there. */
function shared(
  attack: string,
  scenario: string,
  share: number,
  limits: Partial<WorldAttack> = {},
): WorldAttack {
  const set = [`attackShare=${share}`];
  const world = worldOf(scenario, set, [], (honest) => honest / (1 - share));
  return { attack, world, peace: peaceOf(scenario), missMax: 1e-3, ...limits };
}

/** An attack by identities beside the viewers. */
function crowd(
  attack: string,
  scenario: string,
  sybils: number,
  set: readonly string[] = [],
): WorldAttack {
  const quick = [`sybils=${sybils / (HONEST / HONEST_QUICK)}`, "sybilHosts=25"];
  const world = worldOf(scenario, [`sybils=${sybils}`, ...set], quick, (honest) => honest);
  return { attack, world, peace: peaceOf(scenario), missMax: 1e-3 };
}

function peaceOf(scenario: string): HeadlineWorld {
  // The worlds differ in mix and rate only: those that are alike are run once.
  const alike = ["free-riders-tight", "sybil"].includes(scenario) ? scenario : "liars";
  return worldOf(alike, ["attack=none", "attackShare=0", "sybils=0"], [], (honest) => honest);
}

function worldOf(
  scenario: string,
  set: readonly string[],
  quick: readonly string[],
  peers: (honest: number) => number,
): HeadlineWorld {
  const peersOf = (honest: number): string => `peers=${Math.round(peers(honest))}`;
  return {
    scenario,
    set: [...set, peersOf(HONEST)],
    quick: [...QUICK, ...quick, peersOf(HONEST_QUICK)],
  };
}

/** Runs the attack and its peace, and judges them by the limits. */
export async function worldRow(
  { attack, world, peace, missMax, cutMsMax }: WorldAttack,
  runs: HeadlineRuns,
): Promise<WorldRow> {
  const inPeace = missOf(await runs.of(peace));
  const attacked = await runs.of(world);
  const results = attacked.map(({ result }) => result);
  const attacks = results.flatMap((result) => result.attack ?? []);
  const caught = attacks.map(({ caughtAfterS }) => caughtAfterS ?? Number.POSITIVE_INFINITY);
  const caughtAfterS = Math.max(...caught);
  const cuts = attacks.flatMap(({ cutMaxMs }) => cutMaxMs ?? []);
  const row = {
    attack,
    honest: Math.round(meanOf(results, honestOf)),
    badBytes: attacks.reduce((sum, one) => sum + one.badAccepted + one.badForwarded, 0),
    miss: missOf(attacked),
    missInPeace: inPeace,
    cutMs: cuts.length === 0 ? null : Math.max(...cuts),
    caughtAfterS: Number.isFinite(caughtAfterS) ? caughtAfterS : null,
    falselyAccused: meanOf(attacks, (one) => one.falselyCaught),
    overhead: meanOf(results, (one) => (one.attack?.defenceBytes ?? 0) / one.bytes.played),
    eclipsedMaxS: Math.max(...attacks.map((one) => one.eclipsedMaxS)),
    victimMiss: Math.max(...attacks.map((one) => one.victimMiss)),
  };
  const stopped =
    row.badBytes === 0 &&
    row.miss.mean <= missMax &&
    row.falselyAccused <= FALSE_ACCUSATIONS_MAX &&
    row.overhead <= OVERHEAD_MAX &&
    (cutMsMax === undefined || (row.cutMs ?? Number.POSITIVE_INFINITY) <= cutMsMax);
  return { ...row, stopped };
}

function missOf(runs: readonly CostedRun[]): Estimate {
  return estimate(runs.map(({ result }) => result.missRatio.d4));
}

function honestOf({ settings }: RunResult): number {
  return Number(settings["peers"]) * (1 - Number(settings["attackShare"]));
}

function meanOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0) / values.length;
}
