import type { InstantMs, PeerRole } from "../core/index.ts";
import { type MeshOptions, type ProtocolPeer, WatchedMeshPeer } from "../mesh/index.ts";
import type { Settings } from "./settings.ts";

/** What a peer of the world is made from. */
export interface PeerSetup {
  readonly options: MeshOptions;
  readonly role: PeerRole;
  /** What it gives to others, in bits a second; 0 for a viewer that gives nothing. */
  readonly uplinkBps: number;
  readonly settings: Settings;
}

/** A protocol whose peers the world can run. */
export interface Protocol {
  readonly name: string;
  create(now: InstantMs, setup: PeerSetup): ProtocolPeer;
}

/** The protocol that ships: the very MeshPeer of mesh/. */
export const starling: Protocol = {
  name: "starling",
  create: (_now, { options }) => new WatchedMeshPeer(options),
};
