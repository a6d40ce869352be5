export { type BlockPort, blockPort, type SymbolDecoder } from "./block-port.ts";
export {
  type Candidates,
  Introducer,
  type IntroducerOptions,
  type IntroductionLimits,
} from "./introducer.ts";
export { CHANNEL_QUEUE_BYTES_MAX, TOLD_BYTES_MIN } from "./limits.ts";
export type { Input, MeshHealth, MeshStats, Output, ProtocolPeer } from "./mesh-io.ts";
export { MeshPeer } from "./mesh-peer.ts";
export type { MeshLimits, MeshOptions } from "./mesh-state.ts";
export { DEFAULT_TUNING, type Tuning } from "./tuning.ts";
export { uploadBudget, uploadRate } from "./uploads.ts";
export { WatchedMeshPeer } from "./watched-mesh-peer.ts";
