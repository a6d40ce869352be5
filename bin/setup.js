#!/usr/bin/env node
// `npm start` and `npm test` on a bare machine: checks Node.js, installs what is missing, builds,
// then starts the studio or runs every check. It uses nothing but Node.js itself.
import { checkNode, ensurePackages } from "./packages.js";
import { ensurePrograms } from "./programs.js";
import { StepFailure } from "./step.js";
import { buildIfStale, startStudio } from "./studio.js";
import { runTests } from "./tests.js";

const [goal, ...args] = process.argv.slice(2);

async function main() {
  checkNode();
  switch (goal) {
    case "studio":
      await ensurePackages();
      await ensurePrograms(["ffmpeg", "redis-server"]);
      await buildIfStale();
      await startStudio(args);
      break;
    case "test":
      await ensurePackages();
      await ensurePrograms(["ffmpeg", "redis-server", "chromium"]);
      await runTests(args);
      break;
    default:
      throw new StepFailure("Usage: node bin/setup.js studio|test [arguments]", 2);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof StepFailure)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = error.status;
}
