import { Command, Option } from "commander";
import {
  COMMAND_NAMES,
  COMMANDS,
  type CommandName,
  type CommandSpec,
  PARENT_COMMANDS,
} from "./commands.ts";
import type { ConfigSources } from "./config.ts";
import {
  CONFIG_FILE_DEFAULT,
  CONFIG_VARIABLE,
  OPTIONS,
  type OptionName,
  type OptionSpec,
  optionDefault,
  optionKey,
  optionVariable,
} from "./options.ts";
import type { FlagSpec, GivenFlags } from "./sim-flags.ts";

/** What was asked for on the command line. */
export interface Invocation {
  readonly command: CommandName;
  readonly arguments: readonly string[];
  /** Texts of the options that were given. */
  readonly commandLine: ConfigSources["commandLine"];
  /** --config. */
  readonly file: string | undefined;
  /** Flags of the command that are no settings. */
  readonly flags: GivenFlags;
}

const DESCRIPTION = `Starling: an origin and a peer-to-peer mesh for live video.

Every option is also an environment variable and a key of a YAML file
(--config, or ./${CONFIG_FILE_DEFAULT}). The command line wins over the
environment, the environment over the file.`;

/** The command-line program; `run` gets each valid invocation. */
export function createProgram(
  version: string,
  run: (invocation: Invocation) => Promise<void>,
): Command {
  const program = new Command("starling")
    .description(DESCRIPTION)
    .version(version, "-V, --version")
    .helpOption("-h, --help")
    .showHelpAfterError("(add --help for the options)")
    .configureHelp({ sortSubcommands: false, helpWidth: 100 });
  for (const name of COMMAND_NAMES) addCommand(program, name, run);
  return program;
}

function addCommand(
  program: Command,
  name: CommandName,
  run: (invocation: Invocation) => Promise<void>,
): void {
  const spec: CommandSpec = COMMANDS[name];
  const [parentName, childName] = name.split(" ");
  const parent =
    childName === undefined ? program : parentCommand(program, parentName ?? "", spec.group);
  const command = parent
    .command(childName ?? name)
    .summary(spec.summary)
    .description(sentence(spec.summary))
    .helpGroup(childName === undefined ? spec.group : "Commands:")
    .allowExcessArguments(false);
  for (const argument of spec.arguments ?? []) command.argument(`<${argument}>`);
  for (const flag of spec.flags ?? []) addFlag(command, flag);
  for (const option of spec.options) addOption(command, option);
  command.addOption(
    new Option(
      "--config <file>",
      `settings file (default: ./${CONFIG_FILE_DEFAULT} if there is one) [${CONFIG_VARIABLE}]`,
    ).helpGroup("Settings:"),
  );
  const examples = spec.examples ?? [];
  if (examples.length > 0) command.addHelpText("after", `\nExamples:\n  ${examples.join("\n  ")}`);
  command.action(async () => {
    await run({
      command: name,
      arguments: command.args,
      commandLine: givenOptions(command, spec.options),
      file: command.getOptionValue("config"),
      flags: givenFlags(command, spec.flags ?? []),
    });
  });
}

function parentCommand(program: Command, name: string, group: string): Command {
  const existing = program.commands.find((command) => command.name() === name);
  if (existing !== undefined) return existing;
  const summary = PARENT_COMMANDS[name] ?? "";
  return program.command(name).summary(summary).description(sentence(summary)).helpGroup(group);
}

function addFlag(command: Command, { flags, summary, isRepeated }: FlagSpec): void {
  const option = new Option(flags, summary);
  if (isRepeated) option.argParser((text, before: string[] = []) => [...before, text]);
  command.addOption(option);
}

function addOption(command: Command, name: OptionName): void {
  const spec: OptionSpec<unknown> = OPTIONS[name];
  const key = optionKey(name);
  const help = optionHelp(name, spec);
  const group = `${spec.group}:`;
  if (spec.kind.placeholder !== "") {
    const option = new Option(`--${key} <${spec.kind.placeholder}>`, help).helpGroup(group);
    if (spec.kind.list) option.argParser((text, before) => (before ? `${before},${text}` : text));
    command.addOption(option);
    return;
  }
  // A switch can be turned either way; the help shows the one that changes something.
  const isOn = spec.defaultText === "true";
  command.addOption(new Option(`--${key}`, help).helpGroup(group).hideHelp(isOn));
  command.addOption(new Option(`--no-${key}`, `do not ${help}`).helpGroup(group).hideHelp(!isOn));
}

function optionHelp(name: OptionName, spec: OptionSpec<unknown>): string {
  const words = spec.kind.words === undefined ? "" : `: ${spec.kind.words.join(", ")}`;
  const fallback = spec.kind.placeholder === "" ? "" : ` (default: ${optionDefault(spec)})`;
  return `${spec.summary}${words}${fallback} [${optionVariable(name)}]`;
}

/** commander holds a value for each switch; only those from the command line were said by the user. */
function givenOptions(
  command: Command,
  names: readonly OptionName[],
): Partial<Record<OptionName, string>> {
  return Object.fromEntries(
    names
      .filter((name) => command.getOptionValueSource(name) === "cli")
      .map((name) => [name, String(command.getOptionValue(name))]),
  );
}

function givenFlags(command: Command, specs: readonly FlagSpec[]): GivenFlags {
  const names = specs.map(({ flags }) => new Option(flags).attributeName());
  return Object.fromEntries(
    names
      .map((name) => [name, command.getOptionValue(name)])
      .filter(([, value]) => value !== undefined),
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
