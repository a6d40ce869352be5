import type { InstantMs } from "../../core/index.ts";
import { type ProtocolPeer, uploadBudget } from "../../mesh/index.ts";
import type { PeerSetup, Protocol } from "../protocol.ts";
import type { AttackName } from "../settings.ts";
import { Colluder } from "./colluder.ts";
import { Flooder } from "./flooder.ts";
import { FreeRider } from "./free-rider.ts";
import { Omitter } from "./omitter.ts";
import { Polluter } from "./polluter.ts";
import { Slanderer } from "./slanderer.ts";
import { Sybil } from "./sybil.ts";

/** What a liar claims that it can send. */
const LIE_BPS = 25e6;

/** What attackers know of each other's plans; it grows as they join. */
export interface Plot {
  /** The ids of all attackers. */
  readonly accomplices: ReadonlySet<string>;
  /** The one viewer that an eclipse is about, once it is there. */
  readonly victim: string | undefined;
}

/** Makes the peers of an attack. */
export function attackerMaker(
  attack: AttackName,
  plot: Plot,
): (protocol: Protocol, now: InstantMs, setup: PeerSetup) => ProtocolPeer {
  return (protocol, now, setup) => {
    switch (attack) {
      case "none":
        return protocol.create(now, setup);
      case "free-riders":
        return new FreeRider(protocol.create(now, setup));
      case "omission":
      case "whitewashers":
        return new Omitter(protocol.create(now, setup));
      case "colluders":
        return new Colluder(protocol.create(now, setup), setup, plot.accomplices);
      case "polluters":
        return new Polluter(protocol.create(now, setup));
      case "sybils":
        return new Sybil(setup);
      case "eclipse":
        return new Sybil(setup, () => plot.victim);
      case "slanderers":
        return new Slanderer(protocol.create(now, setup), setup, plot.accomplices);
      case "liars":
        return protocol.create(now, liarsSetup(now, setup));
      case "floods":
        return new Flooder(protocol.create(now, setup));
      default:
        return attack satisfies never;
    }
  };
}

/** The setup of a peer that believes, and says, that it can send much more than its uplink can. */
function liarsSetup(now: InstantMs, setup: PeerSetup): PeerSetup {
  const bytesPerS = LIE_BPS / 8;
  const { limits } = setup.options;
  return {
    ...setup,
    uplinkBps: LIE_BPS,
    options: {
      ...setup.options,
      uploads: uploadBudget(now, bytesPerS),
      limits: { ...limits, perPeerUploadBytesPerS: bytesPerS },
    },
  };
}
