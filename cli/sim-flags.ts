import { StarlingError } from "../core/index.ts";

/** An option of one command that is no setting: it has no variable and no key in the settings file. */
export interface FlagSpec {
  /** As commander reads it: "--peers <count>". */
  readonly flags: string;
  readonly summary: string;
  readonly isRepeated?: boolean;
}

/** What was given for the flags of a command, by camel-case name. */
export type GivenFlags = Readonly<Record<string, string | true | readonly string[]>>;

const WORLD_FLAGS: readonly FlagSpec[] = [
  { flags: "--peers <count>", summary: "viewers (the same as --set peers=<count>)" },
  { flags: "--duration <time>", summary: "virtual time: 60, 60s or 2m" },
  { flags: "--set <key=value>", summary: "change a setting of the scenario", isRepeated: true },
];
const RUN_FLAGS: readonly FlagSpec[] = [
  { flags: "--seed <number>", summary: "first seed (default: 1)" },
  {
    flags: "--seeds <count>",
    summary: "runs, with one seed each (default: 1; 5 to compare or sweep)",
  },
  { flags: "--workers <count>", summary: "runs at a time (default: one per core)" },
  {
    flags: "--json [file]",
    summary: "print the JSON line only; with a file, write all results into it",
  },
  { flags: "--report <file>", summary: "write a page with plots, bounds and all settings" },
];
const BASELINE_FLAG: FlagSpec = {
  flags: "--baseline <name>",
  summary: "run another protocol: see sim list",
};

/** The flags of `sim run` and `sim sweep`. */
export const SIM_FLAGS: readonly FlagSpec[] = [...WORLD_FLAGS, BASELINE_FLAG, ...RUN_FLAGS];
/** The flags of `sim compare`. */
export const SIM_COMPARE_FLAGS: readonly FlagSpec[] = [...WORLD_FLAGS, ...RUN_FLAGS];

/** What the flags of a sim command say. */
export interface SimChoices {
  /** "key=value", those of --peers and --duration among them. */
  readonly assignments: readonly string[];
  readonly baseline: string | undefined;
  readonly seeds: readonly number[];
  readonly workers: number | undefined;
  readonly isJson: boolean;
  readonly jsonFile: string | undefined;
  readonly reportFile: string | undefined;
}

const SEEDS_MAX = 1000;
const WORKERS_MAX = 256;

/** Reads the flags of a sim command. Throws StarlingError "bad-flag". */
export function simChoices(given: GivenFlags, seedsDefault: number): SimChoices {
  const text = (name: string) => {
    const value = given[name];
    return typeof value === "string" ? value : undefined;
  };
  const whole = (name: string, least: number, most: number) => {
    const value = text(name);
    return value === undefined ? undefined : wholeNumber(`--${name}`, value, least, most);
  };
  const first = whole("seed", 0, Number.MAX_SAFE_INTEGER - SEEDS_MAX) ?? 1;
  const count = whole("seeds", 1, SEEDS_MAX) ?? seedsDefault;
  const peers = text("peers");
  const duration = text("duration");
  const set = given["set"];
  return {
    assignments: [
      ...(peers === undefined ? [] : [`peers=${peers}`]),
      ...(duration === undefined ? [] : [`durationS=${seconds(duration)}`]),
      ...(Array.isArray(set) ? set : []),
    ],
    baseline: text("baseline"),
    seeds: Array.from({ length: count }, (_, index) => first + index),
    workers: whole("workers", 1, WORKERS_MAX),
    isJson: given["json"] !== undefined,
    jsonFile: text("json"),
    reportFile: text("report"),
  };
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new StarlingError(
    "bad-flag",
    `${flag}: expected a whole number from ${least} to ${most}, not "${text}".`,
  );
}

function seconds(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m)?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * (unit === "m" ? 60 : 1);
  throw new StarlingError(
    "bad-flag",
    `--duration: expected seconds or minutes such as 60, 60s or 2m, not "${text}".`,
  );
}
