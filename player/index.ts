/** `starling/player`: live video over HLS that viewers pass on to each other. */
export { type LiveHlsOptions, openLiveHls } from "./live-hls.ts";
export type { VerifiedSegment } from "./segment-store.ts";
export { defineStarlingPlayer, type StarlingPlayerElement } from "./starling-element.ts";
export {
  createStarling,
  type Starling,
  type StarlingEvents,
  type StarlingOptions,
  type StarlingStats,
} from "./starling-hls.ts";
export { Viewer, type ViewerEvents, type ViewerOptions } from "./viewer.ts";
export type { ViewerReport } from "./viewer-report.ts";
