/** The erasure code by itself: what `starling/fec` exports. */
export { errorCode, StarlingError } from "../errors.ts";
export { bestKernel, loadBestKernel, wasmKernel, wasmSha256 } from "./best-kernel.ts";
export { BlockDecoder } from "./block-decoder.ts";
export type { EsiRange, FecKernel } from "./kernel.ts";
export {
  BLOCK_BYTES_MAX,
  checkFec,
  chooseFec,
  DEFAULT_FEC_POLICY,
  type FecParameters,
  type FecPolicy,
  SYMBOL_BYTES_MAX,
  SYMBOLS_MAX,
  splitSegment,
  symbolLength,
  symbolOf,
} from "./parameters.ts";
export { plainKernel } from "./plain-kernel.ts";
export type { WasmBuild } from "./wasm-instance.ts";
export type { Sha256 } from "./wasm-sha256.ts";
