#!/usr/bin/env node
// The `starling` command. It only finds the built program; everything else is in cli/.
import { existsSync } from "node:fs";

const program = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error("starling is not built yet. Run:  npm run build");
  process.exitCode = 1;
}
