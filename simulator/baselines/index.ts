import type { PeerSetup, Protocol } from "../protocol.ts";
import type { BaselineOptions } from "./baseline-peer.ts";
import { GossipPeer } from "./gossip-peer.ts";
import { HttpFirstPeer } from "./http-first-peer.ts";
import { PullPeer } from "./pull-peer.ts";
import { PushPeer } from "./push-peer.ts";
import { PushPullPeer } from "./push-pull-peer.ts";

/** The published protocols that Starling is compared with, as the world runs them. */
export const BASELINES: readonly (Protocol & { readonly summary: string })[] = [
  {
    name: "pull",
    summary: "pure pull with maps twice a second (DONet, Chainsaw)",
    create: (_now, setup) => new PullPeer(optionsOf(setup)),
  },
  {
    name: "push",
    summary: "latest useful symbol to a random neighbour",
    create: (_now, setup) => new PushPeer(optionsOf(setup)),
  },
  {
    name: "push-pull",
    summary: "sub-streams pushed by parents, holes pulled (GridMedia)",
    create: (_now, setup) => new PushPullPeer(optionsOf(setup)),
  },
  {
    name: "gossip",
    summary: "eager push to 8 mesh neighbours, lazy gossip (GossipSub)",
    create: (_now, setup) => new GossipPeer(optionsOf(setup)),
  },
  {
    name: "http-first",
    summary: "whole blocks from one peer each, else over HTTP (p2p-media-loader)",
    create: (_now, setup) => new HttpFirstPeer(optionsOf(setup)),
  },
];

function optionsOf({ options, uplinkBps, settings }: PeerSetup): BaselineOptions {
  const { random, blocks, uploads } = options;
  return { random, blocks, uploads, uplinkBps, deadlineMs: settings.deadlineMs };
}
