import { fromHex } from "../bytes.ts";
import { RELAXED_MODULE, STRICT_MODULE } from "./wasm-modules.ts";

/** What wasm/kernel.ts exports. Counts and lengths are checked by the caller. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  encode(k: number, repairs: number, symbolBytes: number): void;
  decodeByMatrix(k: number, repairs: number, symbolBytes: number, lost: number): void;
  decodeByTransform(k: number, repairs: number, symbolBytes: number): void;
  multiply(rows: number, columns: number, symbolBytes: number): void;
  hash(blocks: number): void;
}

/** The part of the WebAssembly JavaScript interface that is used here: core/ knows no platform. */
interface WasmPort {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
  instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: unknown } }>;
}

/** Builds of the kernel, the fastest first. */
export const WASM_BUILDS = ["relaxed", "strict"] as const;
export type WasmBuild = (typeof WASM_BUILDS)[number];

const { WebAssembly: port } = globalThis as unknown as { readonly WebAssembly?: WasmPort };

/** The module's bytes. */
export function moduleBytes(build: WasmBuild): Uint8Array {
  return fromHex(build === "relaxed" ? RELAXED_MODULE : STRICT_MODULE);
}

/**
 * An instance with its own memory, or undefined where the platform does not take this build, or does
 * not compile it here: a page's policy can forbid WebAssembly, and some browsers compile large modules
 * only off the main thread.
 */
export function instantiate(build: WasmBuild): KernelExports | undefined {
  const bytes = moduleBytes(build);
  if (port?.validate(bytes) !== true) return undefined;
  try {
    return new port.Instance(new port.Module(bytes)).exports as KernelExports;
  } catch {
    return undefined;
  }
}

/** The same, compiled off the main thread. */
export async function instantiateAsync(build: WasmBuild): Promise<KernelExports | undefined> {
  const bytes = moduleBytes(build);
  if (port?.validate(bytes) !== true) return undefined;
  try {
    const { instance } = await port.instantiate(bytes);
    return instance.exports as KernelExports;
  } catch {
    return undefined;
  }
}
