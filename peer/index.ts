export { createIdentity, type Identity, shortId } from "./identity.ts";
export { MeshDriver, type MeshDriverOptions } from "./mesh-driver.ts";
export { MeshSession, type MeshSessionOptions } from "./mesh-session.ts";
export { nodeCrypto } from "./node-crypto.ts";
export type { PeerSegment } from "./segment-order.ts";
export {
  type Channel,
  type ChannelEvents,
  CONNECT_TIMEOUT_MS,
  DRAINED_BYTES,
  QUEUED_BYTES_MAX,
  type Transport,
} from "./transport.ts";
export { type PeerOptions, type PeerReport, runPeer } from "./viewer.ts";
export { WebRtcTransport, type WebRtcTransportOptions } from "./webrtc-transport.ts";
