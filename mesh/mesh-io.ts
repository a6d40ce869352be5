import type { BlockId, ByeCode, InstantMs, Manifest, Message, PeerRole } from "../core/index.ts";

/** A peer as its driver sees it, whatever protocol it speaks: see MeshPeer for the order of calls. */
export interface ProtocolPeer {
  handleInput(now: InstantMs, input: Input): void;
  pollOutput(): Output | undefined;
  pollTimeout(): InstantMs | undefined;
  /** How many more neighbours it has room for; undefined: it does not tell. */
  readonly room?: number;
  /** What it thinks of a neighbour, for those who watch: below 0 it distrusts it. */
  standing?(now: InstantMs, neighbour: string): number | undefined;
  /** What it holds, and the bounds of that, for those who watch. */
  usage?(): readonly Usage[];
}

/** How much of something a peer holds, and how much it ever may. */
export interface Usage {
  readonly what: string;
  readonly held: number;
  readonly max: number;
}

/**
 * What happened outside, told to a MeshPeer. A peer is named by its public key, base64url. Messages
 * and bytes that crossed this door are never changed afterwards, by either side.
 */
export type Input =
  | {
      /** A channel is open to the peer that the tracker named so. */
      readonly kind: "connected";
      readonly neighbour: string;
      /** SHA-256 DTLS certificate fingerprints of the connection, 32 bytes each. */
      readonly localFingerprint: Uint8Array;
      readonly remoteFingerprint: Uint8Array;
      /** Whether this side made the offer. */
      readonly isInitiator: boolean;
    }
  | { readonly kind: "message"; readonly neighbour: string; readonly message: Message }
  | {
      /** Bytes came that are no message. */
      readonly kind: "malformed";
      readonly neighbour: string;
      readonly detail: string;
    }
  | { readonly kind: "closed"; readonly neighbour: string }
  | {
      /** How many bytes now wait in the channel. */
      readonly kind: "buffered";
      readonly neighbour: string;
      readonly bytes: number;
    }
  | {
      /** A seed peer has a new block: all of its symbols, in ESI order. */
      readonly kind: "publish";
      readonly jws: string;
      readonly leaves: readonly Uint8Array[];
      readonly symbols: readonly Uint8Array[];
    }
  | {
      /** The tracker names peers that can be dialled. */
      readonly kind: "introduced";
      readonly peers: readonly { readonly peer: string; readonly role: PeerRole }[];
    }
  | {
      /** A "dial" came to nothing. */
      readonly kind: "undialable";
      readonly peer: string;
    }
  | {
      /** Signalling for `peer`, to be carried by the neighbour `via`. */
      readonly kind: "signal";
      readonly peer: string;
      readonly via: string;
      readonly payload: Uint8Array;
    }
  | {
      /** Bytes of a block from the origin, from its byte `start` on: what a "fetch" brought, or more. */
      readonly kind: "fetched";
      readonly block: BlockId;
      readonly start: number;
      readonly bytes: Uint8Array;
    }
  | {
      /** What a block lacks is needed at once: it is to be fetched, if the block is known. */
      readonly kind: "fetchNow";
      readonly block: BlockId;
    }
  | { readonly kind: "token"; readonly token: string }
  /** The origin revoked a peer's token: it is parted from, and kept out until then. */
  | { readonly kind: "revoked"; readonly peer: string; readonly until: InstantMs }
  | {
      /**
       * What it follows from now on, of each rendition from which media segment on. What is being
       * collected of others is given up.
       */
      readonly kind: "follow";
      readonly renditions: readonly { readonly rendition: number; readonly sequence: number }[];
    }
  | {
      /** Says goodbye to all neighbours. */
      readonly kind: "leave";
    }
  | { readonly kind: "timeout" };

/** What a MeshPeer wants done, or tells. */
export type Output =
  | { readonly kind: "transmit"; readonly neighbour: string; readonly message: Message }
  | {
      /** Close the channel, after what was transmitted; no "closed" input is needed. */
      readonly kind: "disconnect";
      readonly neighbour: string;
      readonly code: ByeCode;
      readonly reason: string;
    }
  | {
      /** Connect to `peer`, with signalling by the neighbour `via`, or else by the tracker. */
      readonly kind: "dial";
      readonly peer: string;
      readonly via: string | undefined;
    }
  | {
      /** Signalling from `peer` that the neighbour `via` carried; the answer goes the same way. */
      readonly kind: "signal";
      readonly peer: string;
      readonly via: string;
      readonly payload: Uint8Array;
    }
  | {
      /** Ask the tracker for up to `count` peers. */
      readonly kind: "wantPeers";
      readonly count: number;
    }
  | {
      /** The last resort: get the block's bytes from `start` to before `end` from the origin over HTTP, now. */
      readonly kind: "fetch";
      readonly block: BlockId;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: "ready"; readonly neighbour: string; readonly role: PeerRole }
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | {
      readonly kind: "block";
      readonly manifest: Manifest;
      readonly bytes: Uint8Array;
      /** How long its bytes were on their way, without what was waited for; undefined: not known. */
      readonly transferMs?: number | undefined;
    }
  | { readonly kind: "missing"; readonly block: BlockId }
  | {
      /** The origin's key says two things of one block: two manifests, each valid (compact JWS). */
      readonly kind: "equivocation";
      readonly manifests: readonly [string, string];
    }
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

/** How a peer does at one moment. */
export interface MeshHealth {
  readonly capacityBytesPerS: number;
  readonly neighbours: readonly {
    readonly id: string;
    readonly role: PeerRole;
    readonly rttMs: number;
    readonly score: number;
    /** Classes that this peer pushes to it, of all renditions. */
    readonly pushes: number;
    readonly isOutbound: boolean;
  }[];
}
