import {
  DEFAULT_SETTINGS,
  findScenario,
  listScenarios,
  PROTOCOLS,
  SETTING_WORDS,
} from "../simulator/index.ts";

const DEFAULTS = Object.entries(DEFAULT_SETTINGS);
const COLUMN = 22;

/** Scenarios with what they change, protocols, and the settings with their defaults. */
export function listing(): string {
  const words = new Map(Object.entries(SETTING_WORDS));
  return [
    "Scenarios:",
    ...listScenarios().flatMap(({ name, summary }) => [
      `  ${name.padEnd(COLUMN)}${summary}`,
      `  ${"".padEnd(COLUMN)}${changesOf(name)}`,
    ]),
    "",
    "Protocols (--baseline NAME, or protocol=NAME among settings):",
    ...PROTOCOLS.map(({ name, summary }) => `  ${name.padEnd(COLUMN)}${summary}`),
    "",
    "Settings (--set key=value) and their defaults; the unit is the end of the name:",
    ...DEFAULTS.map(
      ([key, value]) =>
        `  ${key.padEnd(COLUMN + 4)} ${String(value).padEnd(10)} ${words.get(key) ?? ""}`,
    ),
  ].join("\n");
}

function changesOf(name: string): string {
  const settings = new Map<string, unknown>(Object.entries(findScenario(name).settings));
  const changes = DEFAULTS.flatMap(([key, value]) =>
    settings.get(key) === value ? [] : [`${key}=${settings.get(key)}`],
  );
  return changes.length === 0 ? "(all defaults)" : changes.join(" ");
}
