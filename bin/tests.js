// `npm test`: everything that has to hold before a change may land.
import { npm } from "./packages.js";
import { runStep } from "./step.js";
import { build } from "./studio.js";

/**
 * Builds, lints, and runs the tests: of all, or those that `args` tell Jest. Those of pure code
 * take all cores. Those in Chromium come one after the other, since players stall on a machine that has no time for them. Throws StepFailure at the first step
 * that fails.
 */
export async function runTests(args) {
  const startedAt = performance.now();
  await build();
  await runStep("Format and lint (biome ci)", [npm(), "run", "-s", "lint"]);
  await runStep("Rules that need types (oxlint --type-aware)", [npm(), "run", "-s", "lint:types"]);
  const jest = [npm(), "run", "-s", "jest", "--", "--ci"];
  if (args.length > 0) await runStep("Tests (jest)", [...jest, ...args]);
  else {
    await runStep("Tests of pure code (jest)", [
      ...jest,
      "--selectProjects=pure",
      "--maxWorkers=100%",
    ]);
    await runStep("Tests with processes (jest)", [...jest, "--selectProjects=processes"]);
    const inTurn = ["--selectProjects=chromium", "--runInBand"];
    await runStep("Tests in Chromium (jest)", [...jest, ...inTurn]);
  }
  const tookS = (performance.now() - startedAt) / 1000;
  console.log(`\n✓ Build, lint and tests passed in ${tookS.toFixed(0)} s.`);
}
