import type { FecKernel } from "./kernel.ts";
import { plainKernel } from "./plain-kernel.ts";
import {
  instantiate,
  instantiateAsync,
  type KernelExports,
  WASM_BUILDS,
  type WasmBuild,
} from "./wasm-instance.ts";
import { WasmKernel } from "./wasm-kernel.ts";
import { type Sha256, sha256On } from "./wasm-sha256.ts";

/** What one instance gives; there is one for all callers of a thread. */
interface Shared {
  readonly kernel: FecKernel;
  readonly sha256: Sha256 | undefined;
}

let shared: Shared | undefined;

function sharedOf(exports: KernelExports | undefined): Shared {
  if (exports === undefined) return { kernel: plainKernel, sha256: undefined };
  return { kernel: new WasmKernel(exports), sha256: sha256On(exports) };
}

function load(): Shared {
  shared ??= sharedOf(instantiate("relaxed") ?? instantiate("strict"));
  return shared;
}

/**
 * The fastest kernel that this platform takes: WebAssembly with relaxed SIMD, with SIMD, or plain
 * TypeScript. One for all callers of a thread, made at the first call; it compiles 11 KB.
 */
export function bestKernel(): FecKernel {
  return load().kernel;
}

/** SHA-256 by the same instance, or undefined where the best kernel is the plain one. */
export function wasmSha256(): Sha256 | undefined {
  return load().sha256;
}

/** Makes what `bestKernel` gives without compiling on this thread: a page calls it before. */
export async function loadBestKernel(): Promise<FecKernel> {
  for (const build of WASM_BUILDS) {
    if (shared !== undefined) break;
    const exports = await instantiateAsync(build);
    if (exports !== undefined) shared ??= sharedOf(exports);
  }
  shared ??= sharedOf(undefined);
  return shared.kernel;
}

/** A kernel of its own memory from one build, or undefined where the platform does not take it. */
export function wasmKernel(build: WasmBuild): FecKernel | undefined {
  const exports = instantiate(build);
  return exports === undefined ? undefined : new WasmKernel(exports);
}
