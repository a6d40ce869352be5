import type { FecKernel } from "./kernel.ts";
import { plainKernel } from "./plain-kernel.ts";
import { instantiate, instantiateAsync, WASM_BUILDS, type WasmBuild } from "./wasm-instance.ts";
import { WasmKernel } from "./wasm-kernel.ts";

let shared: FecKernel | undefined;

/**
 * The fastest kernel that this platform takes: WebAssembly with relaxed SIMD, with SIMD, or plain
 * TypeScript. One for all callers of a thread, made at the first call; it compiles 10 KB.
 */
export function bestKernel(): FecKernel {
  shared ??= wasmKernel("relaxed") ?? wasmKernel("strict") ?? plainKernel;
  return shared;
}

/** The same for a page that must not compile on its main thread: call it before `bestKernel`. */
export async function loadBestKernel(): Promise<FecKernel> {
  for (const build of WASM_BUILDS) {
    if (shared !== undefined) break;
    const exports = await instantiateAsync(build);
    if (exports !== undefined) shared ??= new WasmKernel(exports);
  }
  shared ??= plainKernel;
  return shared;
}

/** A kernel of its own memory from one build, or undefined where the platform does not take it. */
export function wasmKernel(build: WasmBuild): FecKernel | undefined {
  const exports = instantiate(build);
  return exports === undefined ? undefined : new WasmKernel(exports);
}
