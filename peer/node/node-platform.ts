import { nodeCrypto } from "../../core/node/index.ts";
import type { Platform } from "../index.ts";
import { createNodeConnector, type NodeConnectorOptions } from "./node-connector.ts";

import { openTrackerSocket } from "./tracker-socket.ts";

/** What a peer needs of Node.js. */
export function nodePlatform(options?: NodeConnectorOptions): Platform {
  return {
    crypto: nodeCrypto,
    openTrackerSocket,
    createConnector: () => createNodeConnector(options),
  };
}
