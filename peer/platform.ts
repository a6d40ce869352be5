import type { Crypto, JoinPuzzle, JoinWork } from "../core/index.ts";
import type { Connector } from "./connection.ts";
import type { OpenTrackerSocket } from "./tracker-socket.ts";

/** What a peer needs of where it runs. There is one of Node.js and one of browsers. */
export interface Platform {
  readonly crypto: Crypto;
  readonly openTrackerSocket: OpenTrackerSocket;
  /** Makes what one transport connects by. */
  readonly createConnector: () => Connector;
  /** Does the work that an open door asks for; rejects when `signal` aborts. */
  readonly solveJoinPuzzle: (puzzle: JoinPuzzle, signal: AbortSignal) => Promise<JoinWork>;
}
