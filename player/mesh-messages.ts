import type { BlockId, Manifest, ViewerStats } from "../core/index.ts";
import type { Input, MeshHealth, Tuning } from "../mesh/index.ts";
import type { ChannelRates } from "./neighbour-rates.ts";

/** What a peer is to be. Addresses are absolute: a worker's base is not that of its page. */
export interface MeshOrder {
  readonly apiUrl: string;
  readonly stream: string;
  /** Which one it follows at first. */
  readonly rendition: number;
  readonly tokenUrl: string | undefined;
  readonly rootKey: string | undefined;
  readonly uploadBytesPerS: number;
  readonly uploadShare: number;
  readonly maxDelayMs: number;
  readonly connectionsMax: number;
  readonly cacheBytesMax: number;
  readonly tuning: Partial<Tuning> | undefined;
}

/** Where a join token is to be had. */
export type TokenOrder = Pick<MeshOrder, "apiUrl" | "stream" | "tokenUrl">;

/** What a page tells the thread of its peer. The first is "open", or "token" alone. */
export type ToMesh =
  | { readonly kind: "open"; readonly order: MeshOrder }
  /** A join token is wanted, and no mesh. */
  | { readonly kind: "token"; readonly order: TokenOrder }
  /** What came over HTTP. */
  | Extract<Input, { kind: "fetched" }>
  /** What the block lacks is needed at once. */
  | Extract<Input, { kind: "fetchNow" }>
  /** It follows this rendition from now on, from this media segment on, and no other. */
  | { readonly kind: "follow"; readonly rendition: number; readonly sequence: number }
  /** What the tracker is to hear. */
  | { readonly kind: "stats"; readonly stats: ViewerStats }
  | { readonly kind: "close" };

/** A neighbour, and what goes to it and comes from it. */
export type NeighbourReport = MeshHealth["neighbours"][number] & ChannelRates;

/** Counts of a peer since its start, and its neighbours now. */
export interface MeshReport {
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  readonly fetchedBytes: number;
  readonly uploadedBytes: number;
  readonly uploadBytesPerSMax: number;
  readonly blocks: number;
  readonly missing: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly neighbours: readonly NeighbourReport[];
}

/** What the thread of a peer tells its page. */
export type FromMesh =
  /** The code runs. */
  | { readonly kind: "running" }
  /** A message to send to all neighbours when the page is going: there is no time to ask for it then. */
  | { readonly kind: "farewell"; readonly message: Uint8Array }
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | {
      readonly kind: "block";
      readonly manifest: Manifest;
      readonly bytes: Uint8Array;
      readonly transferMs?: number | undefined;
    }
  | { readonly kind: "missing"; readonly block: BlockId }
  | { readonly kind: "ready"; readonly neighbour: string; readonly role: "viewer" | "seed" }
  | {
      readonly kind: "rejected";
      readonly neighbour: string;
      readonly code: string;
      readonly detail: string;
    }
  | { readonly kind: "report"; readonly report: MeshReport }
  /** The join token from now on. */
  | { readonly kind: "token"; readonly token: string }
  | {
      readonly kind: "error";
      readonly code: string;
      readonly detail: string;
      readonly isFinal: boolean;
    }
  | { readonly kind: "closed" };
