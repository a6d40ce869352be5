/** The driver of the mesh, wherever it runs; `peer/node` is what it needs of Node.js. */
export { abortableDelay } from "./abortable-delay.ts";
export { BackOff } from "./back-off.ts";
export {
  CHANNEL_LABEL,
  type Connection,
  type ConnectionEvents,
  type ConnectionOptions,
  type Connector,
} from "./connection.ts";
export { ConnectionHost } from "./connection-host.ts";
export { createIdentity, type Identity, shortId } from "./identity.ts";
export { isFinalRefusal, JoinPermits } from "./join-permits.ts";
export { type Log, silentLog } from "./log.ts";
export { MeshDriver, type MeshDriverOptions } from "./mesh-driver.ts";
export { MeshSession, type MeshSessionOptions } from "./mesh-session.ts";
export type { Platform } from "./platform.ts";
export { createPortConnector } from "./port-connector.ts";
export { type Part, SegmentParts } from "./segment-parts.ts";
export type { OpenTrackerSocket, TrackerSocket, TrackerSocketEvents } from "./tracker-socket.ts";
export {
  type Channel,
  type ChannelEvents,
  CONNECT_TIMEOUT_MS,
  DRAINED_BYTES,
  QUEUED_BYTES_MAX,
  type Transport,
} from "./transport.ts";
export { WebRtcTransport, type WebRtcTransportOptions } from "./webrtc-transport.ts";
