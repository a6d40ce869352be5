import type { BlockId, ByeCode, Manifest, PeerRole } from "../core/index.ts";

/** What happened outside, told to a MeshPeer. A neighbour is named by its public key, base64url. */
export type Input =
  | {
      /** A channel is open to the peer that the tracker named so. */
      readonly kind: "connected";
      readonly neighbour: string;
      /** SHA-256 DTLS certificate fingerprints of the connection, 32 bytes each. */
      readonly localFingerprint: Uint8Array;
      readonly remoteFingerprint: Uint8Array;
    }
  | { readonly kind: "message"; readonly neighbour: string; readonly bytes: Uint8Array }
  | { readonly kind: "closed"; readonly neighbour: string }
  | {
      /** How many bytes now wait in the channel. */
      readonly kind: "buffered";
      readonly neighbour: string;
      readonly bytes: number;
    }
  | {
      /** A seed peer has a new block: all of its symbols can be served. */
      readonly kind: "publish";
      readonly jws: string;
      readonly leaves: readonly Uint8Array[];
      readonly source: Uint8Array;
      readonly repair: Uint8Array;
    }
  | { readonly kind: "token"; readonly token: string }
  | {
      /** Says goodbye to all neighbours. */
      readonly kind: "leave";
    }
  | { readonly kind: "timeout" };

/** What a MeshPeer wants done, or tells. */
export type Output =
  | { readonly kind: "transmit"; readonly neighbour: string; readonly bytes: Uint8Array }
  | {
      /** Close the channel, after what was transmitted; no "closed" input is needed. */
      readonly kind: "disconnect";
      readonly neighbour: string;
      readonly code: ByeCode;
      readonly reason: string;
    }
  | { readonly kind: "ready"; readonly neighbour: string; readonly role: PeerRole }
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "block"; readonly manifest: Manifest; readonly bytes: Uint8Array }
  | { readonly kind: "missing"; readonly block: BlockId }
  | {
      /** Something from a neighbour was refused. `code` is stable; `detail` never holds a secret. */
      readonly kind: "rejected";
      readonly neighbour: string;
      readonly code: string;
      readonly detail: string;
    };

/** Counts since the start. They only grow. */
export interface MeshStats {
  symbolsVerified: number;
  duplicateBytes: number;
  fromSeedsBytes: number;
  fromViewersBytes: number;
  uploadedBytes: number;
  blocks: number;
  missing: number;
  /** Refusals by code. */
  readonly rejected: Map<string, number>;
}
