import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { CommanderError } from "commander";
import { COMMAND_NAMES, COMMANDS, type CommandSpec } from "./commands.ts";
import { optionReference } from "./config-report.ts";
import { OPTION_NAMES, OPTIONS, optionKey, optionVariable } from "./options.ts";
import { createProgram, type Invocation } from "./program.ts";
import { nearest } from "./suggestion.ts";

/** Parses a command line as the program would; gives what would be run, or what would be printed. */
async function parse(...args: string[]): Promise<{ invocation?: Invocation; output: string }> {
  let invocation: Invocation | undefined;
  let output = "";
  const program = createProgram("1.2.3", async (asked) => {
    invocation = asked;
  });
  const write = (text: string) => {
    output += text;
  };
  for (const command of [
    program,
    ...program.commands,
    ...program.commands.flatMap((c) => c.commands),
  ]) {
    command.exitOverride().configureOutput({ writeOut: write, writeErr: write });
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if ((error as { name?: string }).name !== CommanderError.name) throw error;
  }
  return invocation === undefined ? { output } : { invocation, output };
}

describe("the command line", () => {
  test("gives the options that were said, as text, and nothing else", async () => {
    const { invocation } = await parse("studio", "--no-demo", "--rtmp-port", "19", "--config", "x");
    expect(invocation).toEqual({
      command: "studio",
      arguments: [],
      commandLine: { demo: "false", rtmpPort: "19" },
      file: "x",
      flags: {},
    });
  });

  test("joins an option that is repeated", async () => {
    const { invocation } = await parse(
      "api",
      "--ice-server",
      "stun:a",
      "--ice-server=stun:b,stun:c",
    );
    expect(invocation?.commandLine).toEqual({ iceServer: "stun:a,stun:b,stun:c" });
  });

  test("knows sub-commands with arguments", async () => {
    const { invocation } = await parse("keys", "create-stream", "stage-2", "--title", "Stage 2");
    expect(invocation).toMatchObject({
      command: "keys create-stream",
      arguments: ["stage-2"],
      commandLine: { title: "Stage 2" },
    });
  });

  test("knows flags that are no settings, and arguments that may be repeated", async () => {
    const { invocation } = await parse(
      ...[
        "sim",
        "sweep",
        "steady",
        "supply=1,2",
        "blockMs=333",
        "--set",
        "a=1",
        "--set=b=2",
        "--json",
      ],
    );
    expect(invocation).toMatchObject({
      command: "sim sweep",
      arguments: ["steady", "supply=1,2", "blockMs=333"],
      flags: { set: ["a=1", "b=2"], json: true },
    });
  });

  test.each([
    [["studio", "--rtmp-prot", "1"], "Did you mean --rtmp-port?"],
    [["studioo"], "Did you mean studio?"],
    [["encoder", "--rtmp-port", "1"], "unknown option '--rtmp-port'"],
    [["keys", "create-stream"], "missing required argument 'id'"],
    [["studio", "surplus"], "too many arguments"],
    [["studio", "--rtmp-port"], "argument missing"],
  ])("refuses %j", async (args, expected) => {
    const { invocation, output } = await parse(...args);
    expect(invocation).toBeUndefined();
    expect(output).toContain(expected);
  });

  test("tells its version", async () => {
    expect((await parse("--version")).output).toBe("1.2.3\n");
  });
});

describe("the help", () => {
  test("lists every command in a group", async () => {
    const { output } = await parse("--help");
    for (const name of [
      "studio",
      "ingest",
      "encoder",
      "signer",
      "seeder",
      "api",
      "peer",
      "keys",
      "publish-test",
    ]) {
      expect(output).toMatch(new RegExp(`^  ${name} `, "m"));
    }
    expect(output).toContain("Start here:");
  });

  test.each(COMMAND_NAMES)("of %s shows each option with default and variable", async (name) => {
    const { output } = await parse(...name.split(" "), "--help");
    const words = output.replace(/\s+/g, " ");
    for (const option of (COMMANDS[name] as CommandSpec).options) {
      expect(words).toMatch(new RegExp(`--(no-)?${optionKey(option)}\\b`));
      expect(words).toContain(`[${optionVariable(option)}]`);
    }
  });
});

describe("the table of options", () => {
  test("has every option in at least one command", () => {
    const used = new Set(COMMAND_NAMES.flatMap((name) => [...COMMANDS[name].options] as string[]));
    expect(OPTION_NAMES.filter((name) => !used.has(name))).toEqual([]);
  });

  test("says for each option what its default is", () => {
    for (const name of OPTION_NAMES) {
      expect(OPTIONS[name].defaultText ?? OPTIONS[name].unset ?? "").not.toBe("");
    }
  });

  test("is the one in docs/configuration.md", () => {
    const page = readFileSync(new URL("../docs/configuration.md", import.meta.url), "utf8");
    const table = /<!-- options -->\n\n([\s\S]*)\n\n<!-- end of options -->/.exec(page)?.[1];
    expect(table).toBe(optionReference());
  });
});

describe("a suggestion", () => {
  const keys = OPTION_NAMES.map(optionKey);

  test.each([
    ["rtmp-prot", "rtmp-port"],
    ["datadir", "data-dir"],
    ["repair-rate", "repair-ratio"],
    ["http_port", "http-port"],
  ])("for %s is %s", (word, expected) => {
    expect(nearest(word, keys)).toBe(expected);
  });

  test("is not made for a word that resembles nothing", () => {
    expect(nearest("completely-different", keys)).toBeUndefined();
  });
});
