// Node.js itself and the npm packages of package-lock.json.
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, runStep, StepFailure } from "./step.js";

const NODE_MIN = [20, 19];
const LOCK_FILE = join(ROOT, "package-lock.json");
const STAMP_FILE = join(ROOT, "node_modules", ".starling-stamp");
const NPM_OWN_STAMP_FILE = join(ROOT, "node_modules", ".package-lock.json");

/** Refuses a Node.js that is too old, before anything else can fail in a stranger way. */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  const [majorMin, minorMin] = NODE_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new StepFailure(
    `Starling needs Node.js ${NODE_MIN.join(".")} or newer; this is ${version}.\n` +
      "Install a current one from https://nodejs.org and run the same command again.",
  );
}

/** Runs `npm ci` unless node_modules was made from this very package-lock.json. */
export async function ensurePackages() {
  const stamp = currentStamp();
  if (readText(STAMP_FILE) === stamp) return;
  if (!installedByHand()) {
    await runStep(
      "Installing the npm packages (npm ci)",
      [npm(), "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"],
      { quiet: true },
    );
  }
  writeFileSync(STAMP_FILE, stamp);
}

/** Native packages differ by platform and Node.js version, so both are part of the stamp. */
function currentStamp() {
  const lock = createHash("sha256").update(readFileSync(LOCK_FILE)).digest("hex");
  const [major] = process.versions.node.split(".");
  return `${lock} ${process.platform}-${process.arch} node-${major}\n`;
}

/** True when someone ran `npm ci` or `npm install` after package-lock.json was last written. */
function installedByHand() {
  if (readText(STAMP_FILE) !== undefined) return false;
  return modifiedAtMs(NPM_OWN_STAMP_FILE) >= modifiedAtMs(LOCK_FILE);
}

function modifiedAtMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Windows knows npm only by its batch file. */
export function npm() {
  return process.platform === "win32" ? "npm.cmd" : "npm";
}
