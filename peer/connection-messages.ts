import type { IceServer } from "../core/index.ts";
import type { ConnectionOptions } from "./connection.ts";

/** What a port connector asks of the thread that has the connections. `connection` is its number for one. */
export type ConnectorOrder =
  | { readonly kind: "iceServers"; readonly servers: readonly IceServer[] }
  | {
      readonly kind: "connect";
      readonly connection: number;
      readonly options: ConnectionOptions;
    }
  | {
      readonly kind: "description";
      readonly connection: number;
      readonly sdpType: "offer" | "answer";
      readonly sdp: string;
    }
  | {
      readonly kind: "candidate";
      readonly connection: number;
      readonly candidate: string;
      readonly mid: string;
    }
  | {
      readonly kind: "send";
      readonly connection: number;
      readonly messages: readonly Uint8Array[];
    }
  | { readonly kind: "close"; readonly connection: number }
  | { readonly kind: "release" };

/** What happened on a connection. "taken": messages of a "send" are in its queue, or were drained. */
export type ConnectionNews =
  | { readonly kind: "description"; readonly sdpType: "offer" | "answer"; readonly sdp: string }
  | { readonly kind: "candidate"; readonly candidate: string; readonly mid: string }
  | {
      readonly kind: "open";
      readonly label: string;
      readonly messageByteLengthMax: number;
    }
  | { readonly kind: "message"; readonly message: Uint8Array | string }
  | { readonly kind: "taken" }
  | { readonly kind: "drained" }
  | { readonly kind: "failed"; readonly cause: string };

/** News with the state of the queue at that moment. */
export interface ConnectorNews {
  readonly connection: number;
  readonly news: ConnectionNews;
  /** Bytes that were ever queued. */
  readonly takenBytes: number;
  /** Bytes that wait. */
  readonly bufferedAmount: number;
}
