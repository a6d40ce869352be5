import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode, StarlingError } from "../core/index.ts";

/** Who holds the lock. The start time tells a process from a later one with the same pid. */
interface Holder {
  readonly pid: number;
  readonly startedAt: string;
}

/**
 * Makes this process the only studio of a data folder, by a file `studio.lock` in it that names
 * the holder. The lock of a process that no longer runs is taken over.
 * @returns a function that gives the lock back.
 * @throws StarlingError "data-in-use" when another studio runs.
 */
export function lockDataFolder(dataDir: string): () => void {
  const lockFile = join(dataDir, "studio.lock");
  const draft = `${lockFile}.${process.pid}`;
  const own = JSON.stringify({ pid: process.pid, startedAt: startTimeOf(process.pid) });
  writeFileSync(draft, own);
  try {
    while (!linkIfFree(draft, lockFile)) removeStale(lockFile, dataDir);
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (readText(lockFile) === own) rmSync(lockFile, { force: true });
  };
}

/** A hard link appears at once with its full content, and only where there is no file yet. */
function linkIfFree(draft: string, lockFile: string): boolean {
  try {
    linkSync(draft, lockFile);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Moves a dead holder's lock away. Of two processes that try, the second one meets the first's lock. */
function removeStale(lockFile: string, dataDir: string): void {
  const text = readText(lockFile);
  if (text === undefined) return;
  const holder = parseHolder(text);
  if (holder !== undefined && isRunning(holder)) throw inUse(dataDir, holder.pid);
  const aside = `${lockFile}.stale-${process.pid}`;
  try {
    renameSync(lockFile, aside);
  } catch {
    return;
  }
  // If another process took the stale lock over in between, it is its lock that we moved.
  if (readText(aside) !== text) linkIfFree(aside, lockFile);
  rmSync(aside, { force: true });
}

function inUse(dataDir: string, pid: number): StarlingError {
  return new StarlingError(
    "data-in-use",
    `A studio already runs on ${dataDir} (process ${pid}). Stop it, or choose another folder with --data-dir.`,
  );
}

function isRunning(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if (errorCode(error) !== "EPERM") return false;
  }
  const startedAt = startTimeOf(holder.pid);
  return startedAt === "" || startedAt === holder.startedAt;
}

/** Clock ticks from boot to the start of a process (proc(5), field 22), or "" where there is no /proc. */
function startTimeOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is a name in parentheses that may hold spaces.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("pid" in value && "startedAt" in value)) return undefined;
    const { pid, startedAt } = value;
    const isValid = Number.isInteger(pid) && Number(pid) > 0 && typeof startedAt === "string";
    return isValid ? { pid: Number(pid), startedAt } : undefined;
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
