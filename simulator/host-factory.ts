import {
  type InstantMs,
  instantMs,
  type PeerRole,
  type Random,
  toBase64Url,
} from "../core/index.ts";
import { type Tuning, uploadBudget } from "../mesh/index.ts";
import { type Broadcast, STREAM, secretKey } from "./broadcast.ts";
import { forked } from "./distributions.ts";
import { Geography } from "./geography.ts";
import { Host } from "./host.ts";
import { NatMix } from "./nat.ts";
import type { PeerSetup, Protocol } from "./protocol.ts";
import { type Settings, tuningOf } from "./settings.ts";
import type { Stations } from "./stations.ts";
import { worldCrypto } from "./world-crypto.ts";

const CACHE_BYTES_MAX: number = 64 * 1024 * 1024;
/** The first secret keys are the origin's. */
const FIRST_PEER_KEY = 100;

/** Makes the peer of a host; attackers wrap or replace the protocol's own. */
export type PeerMaker = (protocol: Protocol, now: InstantMs, setup: PeerSetup) => Host["peer"];

/** What a new host is to be like. */
export interface HostPlan {
  readonly role: PeerRole;
  readonly uplinkBps: number;
  readonly isAttacker: boolean;
  readonly makePeer: PeerMaker;
  /** Whether the origin gave it a join token; yes if left out. */
  readonly hasToken?: boolean;
  /** Shares the machine and the links of this host. */
  readonly on?: Host;
}

/** An honest peer of the protocol under test. */
export const honestPeer: PeerMaker = (protocol, now, setup) => protocol.create(now, setup);

/** Makes hosts: where they are, how they are connected, and the peers on them. */
export class HostFactory {
  readonly geography: Geography;
  readonly #settings: Settings;
  readonly #protocol: Protocol;
  readonly #broadcast: Broadcast;
  readonly #stations: Stations;
  readonly #tuning: Partial<Tuning>;
  readonly #nats: NatMix;
  readonly #hostRandom: Random;
  readonly #peerRandom: Random;

  constructor(
    settings: Settings,
    random: Random,
    parts: {
      readonly protocol: Protocol;
      readonly broadcast: Broadcast;
      readonly stations: Stations;
    },
  ) {
    this.#settings = settings;
    this.#protocol = parts.protocol;
    this.#broadcast = parts.broadcast;
    this.#stations = parts.stations;
    this.#tuning = tuningOf(settings);
    this.geography = new Geography(settings.region, settings.medianRttMs);
    this.#nats = new NatMix(settings.natSuccess);
    this.#hostRandom = forked(random);
    this.#peerRandom = forked(random);
  }

  /** Makes a host and its peer. A seed peer stands in the data centre. */
  make(now: number, plan: HostPlan): Host {
    const { originHttpMbps, downlinkMbps, idleUplinkKbps } = this.#settings;
    const isSeed = plan.role === "seed";
    const linkBps = Math.max(plan.uplinkBps, idleUplinkKbps * 1000);
    const downlinkBps = (isSeed ? originHttpMbps : downlinkMbps) * 1e6;
    const index = this.#stations.add(linkBps, downlinkBps, plan.on?.index);
    const key = secretKey(FIRST_PEER_KEY + index);
    const id = toBase64Url(worldCrypto.publicKeyOf(key));
    const random = this.#hostRandom;
    const traits = {
      index,
      id,
      role: plan.role,
      isAttacker: plan.isAttacker,
      place: isSeed ? this.geography.origin() : this.geography.place(random),
      nat: isSeed ? ("public" as const) : this.#nats.draw(random),
      uplinkBps: plan.uplinkBps,
      linkBps,
      fingerprint: key,
      joinedAt: now,
    };
    const setup = this.#setup(instantMs(now), plan, id, key);
    return new Host(traits, plan.makePeer(this.#protocol, instantMs(now), setup));
  }

  #setup(now: InstantMs, plan: HostPlan, id: string, key: Uint8Array): PeerSetup {
    const bytesPerS = plan.uplinkBps / 8;
    return {
      role: plan.role,
      uplinkBps: plan.uplinkBps,
      settings: this.#settings,
      options: {
        stream: STREAM,
        role: plan.role,
        peer: { id, secretKey: key },
        token: plan.hasToken === false ? "" : this.#broadcast.token(now, id, plan.role),
        keys: this.#broadcast.keys,
        crypto: worldCrypto,
        blocks: this.#broadcast.port(),
        random: forked(this.#peerRandom),
        uploads: uploadBudget(now, bytesPerS),
        limits: {
          perPeerUploadBytesPerS: bytesPerS,
          cacheBytesMax: CACHE_BYTES_MAX,
          maxDelayMs: this.#settings.deadlineMs,
        },
        tuning: this.#tuning,
      },
    };
  }
}
