import { nodeCrypto } from "../../core/node/index.ts";
import type { Platform } from "../index.ts";
import { solveJoinPuzzle } from "./join-puzzle.ts";
import { createNodeConnector, type NodeConnectorOptions } from "./node-connector.ts";
import { openTrackerSocket } from "./tracker-socket.ts";

/** What a peer needs of Node.js. */
export function nodePlatform(options?: NodeConnectorOptions): Platform {
  return {
    crypto: nodeCrypto,
    openTrackerSocket,
    solveJoinPuzzle,
    createConnector: () => createNodeConnector(options),
  };
}
