import type { LoadedConfig } from "./config.ts";
import {
  CONFIG_FILE_DEFAULT,
  CONFIG_VARIABLE,
  OPTION_GROUPS,
  OPTION_NAMES,
  OPTIONS,
  type OptionSpec,
  optionDefault,
  optionKey,
  optionVariable,
} from "./options.ts";

/** All settings as a settings file, with where each one comes from; secrets are hidden. */
export function effectiveConfigText({ settings }: LoadedConfig): string {
  const lines = OPTION_NAMES.map((name) => {
    const spec: OptionSpec<unknown> = OPTIONS[name];
    const setting = settings[name];
    const key = optionKey(name);
    if (setting === undefined) {
      const isSet = spec.defaultText !== undefined;
      return isSet ? `${key}: ${spec.defaultText}` : `# ${key}: not set (${spec.unset})`;
    }
    const text = spec.secret ? "(hidden)" : setting.text;
    return `${key}: ${text}  # ${setting.source.replace(`: ${key}`, "")}`;
  });
  return lines.join("\n");
}

/** The Markdown tables of docs/configuration.md. */
export function optionReference(): string {
  const groups = OPTION_GROUPS.map((group) => {
    const rows = OPTION_NAMES.filter((name) => OPTIONS[name].group === group).map((name) => {
      const spec: OptionSpec<unknown> = OPTIONS[name];
      const value = spec.kind.expected;
      const fallback = spec.defaultText === undefined ? spec.unset : `\`${optionDefault(spec)}\``;
      return `| \`${optionKey(name)}\` | \`${optionVariable(name)}\` | ${spec.summary} | ${value} | ${fallback} |`;
    });
    return `### ${group}\n\n| option and YAML key | variable | what it is | value | default |\n|---|---|---|---|---|\n${rows.join("\n")}`;
  });
  const file = `The settings file itself is named by \`--config\` or \`${CONFIG_VARIABLE}\` (default: \`${CONFIG_FILE_DEFAULT}\` in the working directory, if there is one).`;
  return `${groups.join("\n\n")}\n\n${file}`;
}
