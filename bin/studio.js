// Builds when a source is newer than the last build, and becomes `starling studio`.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npm } from "./packages.js";
import { ROOT, runStep } from "./step.js";

const STAMP_FILE = join(ROOT, "dist", ".built");
const NOT_SOURCE = new Set(["node_modules", "dist", "data", "fixtures", "docs"]);

/** Builds every folder and the player's bundle. */
export async function build() {
  const startedAtMs = Date.now();
  await runStep("Building (TypeScript and the player)", [npm(), "run", "-s", "build"]);
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  // The stamp holds the start of the build: a source saved while it ran counts as newer.
  writeFileSync(STAMP_FILE, String(startedAtMs));
}

/** Builds unless the last build began after the newest source was written. */
export async function buildIfStale() {
  const builtAtMs = existsSync(STAMP_FILE) ? Number(readFileSync(STAMP_FILE, "utf8")) : 0;
  if (newestChangeMs(ROOT) > builtAtMs) await build();
}

/** When a source file below `folder` was last written, added or removed. */
function newestChangeMs(folder) {
  let newestMs = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_SOURCE.has(entry.name) || entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    newestMs = Math.max(newestMs, statSync(path).mtimeMs);
    if (entry.isDirectory()) newestMs = Math.max(newestMs, newestChangeMs(path));
  }
  return newestMs;
}

/** Runs the studio inside this process, so that signals reach it without a middle-man. */
export async function startStudio(args) {
  const program = join(ROOT, "dist", "cli", "main.js");
  process.argv = [process.argv[0], program, "studio", ...args];
  await import(program);
}
