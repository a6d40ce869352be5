import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CostedRun, HeadlineSize, HeadlineWorld } from "./headline-rows.ts";

const PROGRAM = fileURLToPath(new URL("../cli/main.js", import.meta.url));

/** The command that runs a world. */
export function runWorld(
  world: HeadlineWorld,
  { isQuick, seeds }: HeadlineSize,
): readonly string[] {
  const set = isQuick ? [...world.set, ...world.quick] : world.set;
  return [
    "sim",
    "run",
    world.scenario,
    ...set.flatMap((assignment) => ["--set", assignment]),
    "--seeds",
    String(Math.min(seeds, world.seedsMax ?? seeds)),
  ];
}

/**
 * Runs a command of the program `starling`, with its progress on the standard error, and gives what its
 * `--json FILE` holds. Ends this process with the same status when it fails.
 */
export async function runCommand(args: readonly string[]): Promise<readonly CostedRun[]> {
  const folder = mkdtempSync(join(tmpdir(), "starling-headline-"));
  const file = join(folder, "results.json");
  try {
    const child = spawn(process.execPath, [PROGRAM, ...args, "--json", file], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const status = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    if (status !== 0) process.exit(status ?? 1);
    return JSON.parse(readFileSync(file, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
