import { readFileSync } from "node:fs";
import { createProgram } from "./program.ts";
import { isRefusal } from "./refusal.ts";
import { runCommand } from "./run-command.ts";
import { EXIT_REFUSED } from "./supervised-child.ts";

const PACKAGE_FILE = new URL("../../package.json", import.meta.url);

const { version } = JSON.parse(readFileSync(PACKAGE_FILE, "utf8"));
const program = createProgram(String(version), runCommand);
try {
  await program.parseAsync();
} catch (error) {
  if (!isRefusal(error)) throw error;
  console.error(error.message);
  process.exitCode = EXIT_REFUSED;
}
