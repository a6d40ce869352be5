import type { PeerRole } from "../core/index.ts";
import type { ProtocolPeer } from "../mesh/index.ts";
import type { Place } from "./geography.ts";
import type { NatClass } from "./nat.ts";

/** What a host is like. */
export interface HostTraits {
  /** Its number in the network and in the world. */
  readonly index: number;
  /** Its peer's public key, base64url. */
  readonly id: string;
  readonly role: PeerRole;
  readonly isAttacker: boolean;
  readonly place: Place;
  readonly nat: NatClass;
  /** What it gives to others, in bits a second. */
  readonly uplinkBps: number;
  /** What its uplink can send: a viewer that gives nothing still has to ask. */
  readonly linkBps: number;
  /** SHA-256 fingerprint of its DTLS certificate. */
  readonly fingerprint: Uint8Array;
  readonly joinedAt: number;
}

/** A host with one peer on it. */
export class Host {
  readonly traits: HostTraits;
  readonly index: number;
  readonly id: string;
  readonly isAttacker: boolean;
  readonly isSeed: boolean;
  peer: ProtocolPeer;
  /** The direction towards each neighbour it has a channel to, by the neighbour's id. */
  readonly links: Map<string, number> = new Map();
  isPresent = true;
  /** When its timeout event is due; infinite without one. */
  timeoutAt: number = Number.POSITIVE_INFINITY;

  constructor(traits: HostTraits, peer: ProtocolPeer) {
    this.traits = traits;
    this.index = traits.index;
    this.id = traits.id;
    this.isAttacker = traits.isAttacker;
    this.isSeed = traits.role === "seed";
    this.peer = peer;
  }

  /** Forgets its peer: a host that is gone does nothing more. */
  bury(): void {
    this.isPresent = false;
    this.links.clear();
    this.peer = GONE;
  }
}

const GONE: ProtocolPeer = {
  handleInput: () => undefined,
  pollOutput: () => undefined,
  pollTimeout: () => undefined,
};
