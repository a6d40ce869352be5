import { StarlingError } from "../core/index.ts";
import {
  findProtocol,
  findScenario,
  listScenarios,
  PROTOCOLS,
  type Protocol,
  type Scenario,
} from "../simulator/index.ts";
import { didYouMean } from "./suggestion.ts";

/** One world to run: a scenario with its settings, and the protocol of its peers. */
export interface SimWorld {
  /** As it was written: what tells worlds apart in tables and plots. */
  readonly label: string;
  readonly scenario: string;
  readonly assignments: readonly string[];
  readonly protocol: string;
}

/** One side of a comparison. */
export type SimSide =
  | { readonly kind: "world"; readonly world: SimWorld }
  | { readonly kind: "file"; readonly file: string };

/**
 * A world by the name of its scenario. `protocol=...` among the assignments names the protocol; in a run that
 * is shorter than its scenario's, viewers come and the warm-up ends as much sooner. Throws StarlingError "unknown-scenario",
 * "unknown-protocol" or "bad-setting", with the nearest right word.
 */
export function simWorld(label: string, name: string, assignments: readonly string[]): SimWorld {
  checkWord(
    "unknown-scenario",
    "scenario",
    name,
    listScenarios().map(({ name: known }) => known),
  );
  const keys = [...Object.keys(findScenario(name).settings), "protocol"];
  const values = new Map<string, string>();
  for (const assignment of assignments) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(assignment) ?? [];
    if (key === undefined || value === undefined) {
      throw new StarlingError("bad-setting", `"${assignment}": expected key=value.`);
    }
    checkWord("bad-setting", "setting", key, keys);
    values.set(key, value);
  }
  const protocol = values.get("protocol") ?? "starling";
  const protocols = PROTOCOLS.map(({ name: known }) => known);
  checkWord("unknown-protocol", "protocol", protocol, protocols);
  values.delete("protocol");
  const fitted = withTimes(findScenario(name), values);
  findScenario(name, fitted); // Refuses what cannot be.
  return { label, scenario: name, assignments: fitted, protocol };
}

/** The scenario and protocol of a world, as the simulator runs them. */
export function worldParts(world: SimWorld): {
  readonly scenario: Scenario;
  readonly protocol: Protocol;
} {
  return {
    scenario: findScenario(world.scenario, world.assignments),
    protocol: findProtocol(world.protocol),
  };
}

/**
 * A side of a comparison: a .json file with results, or `scenario`, `scenario:key=value,key=value`; the second side
 * may also be `protocol` or `key=value,...`, for the first side's scenario.
 */
export function simSide(text: string, assignments: readonly string[], first?: SimSide): SimSide {
  if (/\.json$/i.test(text)) return { kind: "file", file: text };
  const colon = text.indexOf(":");
  const head = colon === -1 ? text : text.slice(0, colon);
  const tail = colon === -1 ? [] : text.slice(colon + 1).split(",");
  const base = first?.kind === "world" ? first.world : undefined;
  const own = (): readonly string[] => {
    if (head.includes("=")) return head.split(",");
    return PROTOCOLS.some(({ name }) => name === head) ? [`protocol=${head}`] : [];
  };
  const mine = [...own(), ...tail];
  if (own().length === 0) {
    return { kind: "world", world: simWorld(text, head, [...assignments, ...mine]) };
  }
  if (base === undefined) {
    throw new StarlingError(
      "bad-setting",
      `"${text}": name a scenario first, such as tight-1k:${mine.join(",")}.`,
    );
  }
  const inherited = [...base.assignments, `protocol=${base.protocol}`];
  return { kind: "world", world: simWorld(text, base.scenario, [...inherited, ...mine]) };
}

/** All combinations of the values of a sweep: "key=a,b,c" for each key. */
export function sweptWorlds(
  name: string,
  assignments: readonly string[],
  sweeps: readonly string[],
): readonly SimWorld[] {
  const axes = sweeps.map((sweep) => {
    const [, key, values] = /^([^=]+)=(.+)$/.exec(sweep) ?? [];
    if (key !== undefined && values !== undefined) {
      return values.split(",").map((value) => `${key}=${value}`);
    }
    throw new StarlingError("bad-setting", `"${sweep}": expected key=a,b,c.`);
  });
  const combinations = axes.reduce<readonly string[][]>(
    (before, axis) => before.flatMap((chosen) => axis.map((one) => [...chosen, one])),
    [[]],
  );
  return combinations.map((chosen) =>
    simWorld(chosen.join(" "), name, [...assignments, ...chosen]),
  );
}

/** Throws StarlingError "unknown-protocol", or the code given, with the nearest word and all words. */
export function checkWord(
  code: string,
  what: string,
  word: string,
  known: readonly string[],
): void {
  if (known.includes(word)) return;
  const hint = didYouMean(word, known);
  throw new StarlingError(
    code,
    `No such ${what}: "${word}"${hint === "" ? "." : hint}\nThere are: ${known.join(", ")}.`,
  );
}

function withTimes({ settings }: Scenario, values: Map<string, string>): readonly string[] {
  const share = Number(values.get("durationS") ?? settings.durationS) / settings.durationS;
  for (const key of ["warmUpS", "joinOverS"] as const) {
    if (share < 1 && !values.has(key)) {
      values.set(key, String(Math.floor(settings[key] * share * 10) / 10));
    }
  }
  return [...values].map(([key, value]) => `${key}=${value}`);
}
