/** What benchmarks use too. */
export { launchChromium } from "./chromium.ts";
export { eventually } from "./eventually.ts";
export { newestSequence } from "./first-light.ts";
export { HostilePeer, type Lie, type Tampering } from "./hostile-peer.ts";
export { OriginProcess, packageFile } from "./origin-process.ts";
export { Publisher } from "./publisher.ts";
export { ViewerProcess } from "./viewer-process.ts";
