import { errorCode } from "../../index.ts";
import { wasmKernel } from "../best-kernel.ts";
import type { FecKernel } from "../kernel.ts";
import type { FecParameters } from "../parameters.ts";
import { plainKernel } from "../plain-kernel.ts";

// Node.js 20 takes the relaxed build only with --experimental-wasm-relaxed-simd: there
// relaxed-kernel.test.ts runs the kernels' tests in a process that has it.
const strictKernel = wasmKernel("strict");
const relaxedKernel = wasmKernel("relaxed");
/** All kernels that this platform takes, with their names. */
export const KERNELS: readonly (readonly [string, FecKernel])[] = [
  ["plain", plainKernel],
  ...(strictKernel === undefined ? [] : [["strict", strictKernel] as const]),
  ...(relaxedKernel === undefined ? [] : [["relaxed", relaxedKernel] as const]),
];

/** Parameters by the number of repair symbols. */
export const shape = (k: number, repairs: number, symbolBytes = 64): FecParameters => ({
  code: "leopard-gf8",
  k,
  n: k + repairs,
  symbolBytes,
});

/** The code of the StarlingError that a call throws. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return errorCode(error);
  }
  return undefined;
}
