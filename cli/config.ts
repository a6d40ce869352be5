import { readFileSync } from "node:fs";
import { errorCode, StarlingError } from "../core/index.ts";
import { parseConfigFile } from "./config-file.ts";
import {
  CONFIG_FILE_DEFAULT,
  CONFIG_VARIABLE,
  type Config,
  OPTION_NAMES,
  OPTIONS,
  type OptionName,
  type OptionSpec,
  optionKey,
  optionVariable,
} from "./options.ts";
import { didYouMean } from "./suggestion.ts";

/** The text of one setting and where it was said, e.g. "--rtmp-port" or "starling.yaml:3". */
export interface Setting {
  readonly text: string;
  readonly source: string;
}
export type Settings = Partial<Record<OptionName, Setting>>;

/** The values in force, and the settings that were not left at their defaults. */
export interface LoadedConfig {
  readonly config: Config;
  readonly settings: Settings;
}

export interface ConfigSources {
  /** Texts of the options given on the command line. */
  readonly commandLine: Partial<Record<OptionName, string>>;
  /** --config, when given. */
  readonly file?: string | undefined;
  /** Usually {@link processEnvironment}. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The environment of this process: the only place where Starling reads it. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/**
 * Reads all settings; the command line wins over the environment, the environment over the file,
 * the file over the defaults.
 * @throws StarlingError "config-invalid" that lists every unknown key and refused value at once,
 * "config-file" when the file cannot be read.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: string[] = [];
  const settings: Settings = {
    ...fileSettings(sources, problems),
    ...environmentSettings(sources.environment, problems),
    ...commandLineSettings(sources.commandLine),
  };
  const config = Object.fromEntries(
    OPTION_NAMES.map((name) => [name, readValue(name, settings[name], problems)]),
  ) as unknown as Config;
  if (problems.length > 0) throw new StarlingError("config-invalid", problems.join("\n"));
  return { config, settings };
}

/** The environment in which a child process reads the same settings; `changes` win. */
export function environmentFor(
  settings: Settings,
  changes: Partial<Record<OptionName, string>> = {},
): Record<string, string> {
  const texts = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, setting.text]),
  );
  return Object.fromEntries(
    Object.entries({ ...texts, ...changes }).map(([name, text]) => [optionVariable(name), text]),
  );
}

function readValue(name: OptionName, setting: Setting | undefined, problems: string[]): unknown {
  const spec: OptionSpec<unknown> = OPTIONS[name];
  const text = setting?.text ?? spec.defaultText;
  if (text === undefined) return undefined;
  const value = spec.kind.parse(text);
  if (value === undefined) {
    const got = spec.secret ? "what it got (hidden)" : JSON.stringify(text);
    problems.push(`${setting?.source ?? name}: expected ${spec.kind.expected}, not ${got}`);
  }
  return value;
}

function commandLineSettings(texts: ConfigSources["commandLine"]): Settings {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, { text, source: `--${optionKey(name)}` }]),
  );
}

/** An empty variable counts as not set: that is what compose files pass for an unset one. */
function environmentSettings(
  environment: ConfigSources["environment"],
  problems: string[],
): Settings {
  const names = new Map(OPTION_NAMES.map((name) => [optionVariable(name), name]));
  const settings: Settings = {};
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("STARLING_") || variable === CONFIG_VARIABLE || !text) continue;
    const name = names.get(variable);
    if (name === undefined) {
      const hint = didYouMean(variable, [...names.keys(), CONFIG_VARIABLE]);
      problems.push(`${variable}: no such variable${hint}`);
    } else {
      settings[name] = { text, source: variable };
    }
  }
  return settings;
}

function fileSettings(sources: ConfigSources, problems: string[]): Settings {
  const named = sources.file ?? (sources.environment[CONFIG_VARIABLE] || undefined);
  const file = named ?? CONFIG_FILE_DEFAULT;
  const text = readConfigFile(file, named !== undefined);
  return text === undefined ? {} : parseConfigFile(file, text, problems);
}

function readConfigFile(file: string, isRequired: boolean): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (!isRequired && errorCode(error) === "ENOENT") return undefined;
    const reason = errorCode(error) === "ENOENT" ? "there is no such file" : errorCode(error);
    throw new StarlingError("config-file", `Cannot read the settings file ${file}: ${reason}`, {
      cause: error,
    });
  }
}
