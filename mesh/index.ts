export { CHANNEL_QUEUE_BYTES_MAX } from "./limits.ts";
export type { Input, MeshStats, Output } from "./mesh-io.ts";
export { MeshPeer } from "./mesh-peer.ts";
export type { MeshLimits, MeshOptions } from "./mesh-state.ts";
export { uploadBudget } from "./uploads.ts";
