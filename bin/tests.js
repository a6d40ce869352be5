// `npm test`: everything that has to hold before a change may land.
import { npm } from "./packages.js";
import { runStep } from "./step.js";
import { build } from "./studio.js";

/** Builds, lints, and runs the tests; `args` go to Jest. Throws StepFailure at the first step that fails. */
export async function runTests(args) {
  const startedAt = performance.now();
  await build();
  await runStep("Format and lint (biome ci)", [npm(), "run", "-s", "lint"]);
  await runStep("Rules that need types (oxlint --type-aware)", [npm(), "run", "-s", "lint:types"]);
  await runStep("Tests (jest)", [npm(), "run", "-s", "jest", "--", "--ci", ...args]);
  const tookS = (performance.now() - startedAt) / 1000;
  console.log(`\n✓ Build, lint and tests passed in ${tookS.toFixed(0)} s.`);
}
