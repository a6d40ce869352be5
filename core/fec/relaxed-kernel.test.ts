import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { wasmKernel } from "./best-kernel.ts";

const RUN_TIMEOUT_MS = 120_000;

/** Newer versions of Node.js take the relaxed build as they are, and do not know the flag. */
const FLAGS = wasmKernel("relaxed") === undefined ? ["--experimental-wasm-relaxed-simd"] : [];

test(
  "the relaxed build passes the kernels' tests where Node.js takes it",
  async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [
      ...FLAGS,
      "--experimental-vm-modules",
      "node_modules/jest/bin/jest.js",
      "--ci",
      "--verbose",
      "core/fec/(kernel|block)",
      "--testNamePattern",
      "the relaxed kernel",
    ]);
    expect(stderr).toMatch(/the relaxed kernel/);
  },
  RUN_TIMEOUT_MS,
);
