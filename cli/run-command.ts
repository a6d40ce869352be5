import { type CommandName, ROLES, type Role } from "./commands.ts";
import { type LoadedConfig, loadConfig, processEnvironment } from "./config.ts";
import { effectiveConfigText, optionReference } from "./config-report.ts";
import type { Invocation } from "./program.ts";
import { createRoleLog } from "./role-log.ts";
import { runRoleProcess } from "./role-process.ts";

/** Reads the settings and runs one command. Code that only one command needs is loaded by it. */
export async function runCommand(invocation: Invocation): Promise<void> {
  const loaded = loadConfig({ ...invocation, environment: processEnvironment() });
  const { command } = invocation;
  if (isRole(command)) await runRole(command, loaded);
  else await RUN[command](loaded, invocation.arguments, invocation.flags);
}

type Run = (
  loaded: LoadedConfig,
  args: readonly string[],
  flags: Invocation["flags"],
) => Promise<void>;

const RUN: Readonly<Record<Exclude<CommandName, Role>, Run>> = {
  studio: async (loaded) => {
    const { runStudio } = await import("./studio.ts");
    await runStudio(loaded);
  },
  peer: async ({ config }) => {
    const { runPeerCommand } = await import("./peer.ts");
    await runPeerCommand(config);
  },
  "publish-test": async ({ config }) => {
    const { publishTest } = await import("./publish-test.ts");
    await publishTest(config);
  },
  "keys public": keysCommand("publicKeys"),
  "keys streams": keysCommand("streams"),
  "keys create-stream": keysCommand("createStream"),
  "keys stream-key": keysCommand("streamKey"),
  "keys rotate-stream-key": keysCommand("rotateStreamKey"),
  "keys api-key": keysCommand("apiKey"),
  "keys root": rootCommand("root"),
  "keys certify": rootCommand("certify"),
  "keys install": rootCommand("install"),
  "sim run": simCommand("run"),
  "sim compare": simCommand("compare"),
  "sim sweep": simCommand("sweep"),
  "sim list": simCommand("list"),
  "config show": async (loaded) => {
    console.log(effectiveConfigText(loaded));
  },
  "config reference": async () => {
    console.log(optionReference());
  },
  health: async ({ config }, [role = ""]) => {
    const { checkHealth } = await import("./health.ts");
    process.exitCode = (await checkHealth(config, role)) ? 0 : 1;
  },
};

function keysCommand(name: keyof typeof import("./keys.ts").KEYS_COMMANDS): Run {
  return async ({ config }, args) => {
    const { KEYS_COMMANDS, withOrigin } = await import("./keys.ts");
    console.log(await withOrigin(config, (origin) => KEYS_COMMANDS[name](origin, config, ...args)));
  };
}

function rootCommand(name: keyof typeof import("./root-keys.ts").ROOT_COMMANDS): Run {
  return async ({ config }, args) => {
    const { ROOT_COMMANDS } = await import("./root-keys.ts");
    console.log(await ROOT_COMMANDS[name](config, args));
  };
}

function simCommand(name: keyof typeof import("./sim.ts").SIM_COMMANDS): Run {
  return async (_loaded, args, flags) => {
    const { SIM_COMMANDS } = await import("./sim.ts");
    await SIM_COMMANDS[name](args, flags);
  };
}

async function runRole(role: Role, { config }: LoadedConfig): Promise<void> {
  const log = createRoleLog(role, config);
  const { START_ROLE } = await import("./roles.ts");
  await runRoleProcess(log, () => START_ROLE[role](config, log));
}

function isRole(command: CommandName): command is Role {
  return ROLES.some((role) => role === command);
}
