export { createNodeConnector, type NodeConnectorOptions } from "./node-connector.ts";
export { nodePlatform } from "./node-platform.ts";
export type { PeerSegment } from "./segment-order.ts";
export { type PeerOptions, type PeerReport, runPeer } from "./viewer.ts";
