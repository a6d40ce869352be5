import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { wasmKernel } from "./best-kernel.ts";

const FLAG = "--experimental-wasm-relaxed-simd";
const RUN_TIMEOUT_MS = 120_000;

// Newer versions of Node.js need no flag, and then the other tests have run this build already.
const testWithoutRelaxed = wasmKernel("relaxed") === undefined ? test : test.skip;

testWithoutRelaxed(
  "the relaxed build passes the kernels' tests where a flag enables it",
  async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [
      FLAG,
      "--experimental-vm-modules",
      "node_modules/jest/bin/jest.js",
      "--ci",
      "--verbose",
      "core/fec/kernel",
      "--testNamePattern",
      "the relaxed kernel",
    ]);
    expect(stderr).toMatch(/the relaxed kernel/);
  },
  RUN_TIMEOUT_MS,
);
