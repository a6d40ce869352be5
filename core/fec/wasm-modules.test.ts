import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { moduleBytes, WASM_BUILDS } from "./wasm-instance.ts";

const MODULE_BYTES_MAX = 12_288;
const BUILD = new URL("./wasm/build.js", import.meta.url);

test.each(WASM_BUILDS)("the %s build keeps to its budget", (build) => {
  expect(moduleBytes(build).length).toBeLessThanOrEqual(MODULE_BYTES_MAX);
});

test("the embedded modules are what their source compiles to", () => {
  const script = `import("${BUILD}").then((build) => build.embeddedModules()).then(console.log)`;
  const built = execFileSync(process.execPath, ["--eval", script], { encoding: "utf8" });
  const committed = readFileSync(new URL("./wasm-modules.ts", import.meta.url), "utf8");
  expect(built.trimEnd()).toBe(committed.trimEnd());
});
