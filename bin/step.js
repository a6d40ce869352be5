// One visible step of the set-up: says what it does, does it, says how long it took.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const OUTPUT_TAIL_LINES = 200;
const FORWARDED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** A step that did not work: what to tell the person, and the exit status to end with. */
export class StepFailure extends Error {
  constructor(message, status = 1) {
    super(message);
    this.name = "StepFailure";
    this.status = status;
  }
}

/**
 * Runs a program as one step. A quiet step shows the end of its output only when it fails.
 * Throws StepFailure, which carries the program's own exit status (128 + signal number if killed).
 */
export async function runStep(title, [program, ...args], { quiet = false } = {}) {
  const startedAt = performance.now();
  console.log(`» ${title}`);
  const { status, output } = await run(program, args, quiet);
  const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  if (status !== 0) {
    if (output !== "") console.error(output);
    const command = [program, ...args].join(" ");
    throw new StepFailure(
      `✗ Failed after ${took}: ${title}\n  ${command} ended with status ${status}.`,
      status,
    );
  }
  console.log(`  done in ${took}`);
}

function run(program, args, quiet) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    });
    const lines = [];
    const keepTail = (chunk) => {
      lines.push(...chunk.toString().split("\n"));
      lines.splice(0, lines.length - OUTPUT_TAIL_LINES);
    };
    child.stdout?.on("data", keepTail);
    child.stderr?.on("data", keepTail);
    let interruption;
    const forward = (signal) => {
      interruption = signal;
      child.kill(signal);
    };
    for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
    const finish = (status, output) => {
      for (const signal of FORWARDED_SIGNALS) process.off(signal, forward);
      resolve({ status, output });
    };
    child.on("error", (error) => finish(127, error.message));
    child.on("close", (code, signal) => {
      // Some programs end well although they were interrupted; the person still wants to stop.
      const ender = interruption ?? signal;
      const status = ender ? 128 + constants.signals[ender] : code;
      finish(status, interruption ? "" : lines.join("\n").trim());
    });
  });
}
