import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorCode, StarlingError } from "../core/index.ts";
import { type ReportContent, reportPage } from "../simulator/index.ts";

const PAGE_FOLDER = new URL("../simulator/report/", import.meta.url);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Writes a report. Throws StarlingError "cannot-write", or "not-built". */
export function writeReport(file: string, content: ReportContent): void {
  const [script, style] = ["page.bundle.js", "page.bundle.css"].map(readAsset);
  writeOutput(
    file,
    reportPage({ ...content, commit: commit(), script: script ?? "", style: style ?? "" }),
  );
}

/** Writes a file that was asked for. Throws StarlingError "cannot-write". */
export function writeOutput(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new StarlingError("cannot-write", `${file}: cannot be written (${errorCode(error)}).`);
  }
}

/** The commit of the working copy, "+" if files differ from it; undefined outside of a working copy. */
export function commit(): string | undefined {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", ROOT, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "-uno") && "+");
  } catch {
    return undefined;
  }
}

function readAsset(name: string): string {
  try {
    return readFileSync(new URL(name, PAGE_FOLDER), "utf8");
  } catch {
    throw new StarlingError("not-built", "The report's page was not built: run npm run build.");
  }
}
