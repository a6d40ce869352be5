import { type BlockId, RENDITIONS_MAX } from "./block-id.ts";
import type { PeerRole } from "./join-token.ts";

/** The version of the mesh protocol that this code speaks (PROTOCOL.md). */
export const WIRE_VERSION = 1;
/** The longest message: a symbol message with the largest symbol. */
export const MESSAGE_BYTES_MAX = 65_535;
/** Characters of the reason of a "bye". */
export const REASON_LENGTH_MAX = 120;
/** Renditions in one status. */
export const FEEDS_MAX: number = RENDITIONS_MAX;
/** Peers in one "peers" message. */
export const KNOWN_PEERS_MAX = 16;
/** Records in one "evidence" message. */
export const EVIDENCE_MAX = 32;
/** Signalling that one "relay" carries. */
export const RELAY_BYTES_MAX = 16_384;

/** One message of the mesh (PROTOCOL.md, "Messages"). One data-channel message carries just one. */
export type Message =
  | {
      readonly type: "hello";
      readonly version: number;
      readonly token: string;
      /** Ed25519 signature over helloProofMessage, 64 bytes. */
      readonly proof: Uint8Array;
    }
  | {
      readonly type: "manifest";
      /** How long ago the origin released the block, as the sender reckons: 0..65,535 ms. */
      readonly ageMs: number;
      readonly jws: string;
      /** All N leaf hashes in ESI order. */
      readonly leaves: readonly Uint8Array[];
    }
  | { readonly type: "have"; readonly block: BlockId; readonly esis: readonly number[] }
  | {
      readonly type: "request";
      readonly block: BlockId;
      /** Milliseconds from arrival after which the symbols are of no more use. */
      readonly withinMs: number;
      /** Most wanted first. None asks for the block's manifest. */
      readonly esis: readonly number[];
    }
  | {
      readonly type: "symbol";
      readonly block: BlockId;
      readonly esi: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: "cancel"; readonly block: BlockId; readonly esis: readonly number[] }
  | {
      readonly type: "decline";
      readonly block: BlockId;
      /** Whether the sender has the symbols and cannot send them soon; else it lacks them. */
      readonly isBusy: boolean;
      readonly esis: readonly number[];
    }
  | {
      /** Asks for all new symbols of these classes; takes the place of what was asked before. */
      readonly type: "subscribe";
      readonly rendition: number;
      readonly classes: ClassSet;
    }
  | {
      /** Which classes the sender pushes from now on. */
      readonly type: "serve";
      readonly rendition: number;
      readonly classes: ClassSet;
      /** How many classes more it could push: 0..65,535. */
      readonly spare: number;
    }
  | {
      readonly type: "status";
      /** What it can send in all, kbit/s. */
      readonly capacityKbps: number;
      /** What of that its pushes leave for pulls, kbit/s. */
      readonly roomKbps: number;
      readonly spare: number;
      /** How far behind the origin it gets each class of the renditions that it follows. */
      readonly feeds: readonly FeedStatus[];
    }
  | { readonly type: "peers"; readonly peers: readonly KnownPeer[] }
  | {
      /** Signalling between two peers, carried by a neighbour of both. */
      readonly type: "relay";
      /** Public keys, base64url. */
      readonly from: string;
      readonly to: string;
      readonly payload: Uint8Array;
    }
  | {
      /** What the sender itself saw of others. */
      readonly type: "evidence";
      readonly records: readonly EvidenceRecord[];
      readonly issuedAtS: number;
      /** Ed25519 signature over evidenceMessage, 64 bytes. */
      readonly signature: Uint8Array;
    }
  | { readonly type: "bye"; readonly code: ByeCode; readonly reason: string }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "pong"; readonly id: number };

/** A set of classes of symbols: bit c for class c; bit MANIFEST_CLASS for the manifests. */
export type ClassSet = number;

/** Classes of source symbols: symbol `esi` of a block is in class (esi + 5 sequence + 11 part) mod 8. */
export const SYMBOL_CLASSES = 8;
/** The class of the manifests. */
export const MANIFEST_CLASS: number = SYMBOL_CLASSES;
/** All classes, that of the manifests among them. */
export const CLASSES: number = SYMBOL_CLASSES + 1;
export const CLASS_SET_MAX: number = 2 ** CLASSES - 1;

/** The class of a source symbol. */
export function classOf({ sequence, part }: BlockId, esi: number): number {
  return (esi + 5 * sequence + 11 * part) & (SYMBOL_CLASSES - 1);
}

/** How a peer does with one rendition. */
export interface FeedStatus {
  readonly rendition: number;
  /**
   * LAGS of them: milliseconds from release to arrival by class, and at WHOLE_BLOCK to completion, in
   * steps of LAG_STEP_MS; LAG_UNKNOWN: not at all.
   */
  readonly lags: Uint8Array;
}

/** Where `FeedStatus.lags` tells of whole blocks. */
export const WHOLE_BLOCK: number = CLASSES;
export const LAGS: number = CLASSES + 1;

export const LAG_STEP_MS = 20;
export const LAG_UNKNOWN = 255;

/** A peer that a neighbour knows. */
export interface KnownPeer {
  /** Public key, base64url. */
  readonly peer: string;
  readonly role: PeerRole;
  readonly capacityKbps: number;
  readonly spare: number;
}

/** What a witness saw of one peer in the last minute. */
export interface EvidenceRecord {
  /** Public key, base64url. */
  readonly subject: string;
  /** Verified KiB that it sent to the witness. */
  readonly deliveredKib: number;
  /** Symbols that it promised and did not send in time. */
  readonly failed: number;
}

/** Why a peer ends a connection. */
export type ByeCode =
  | "leaving"
  | "protocol-error"
  | "refused"
  | "bad-data"
  | "silent"
  | "overloaded";
