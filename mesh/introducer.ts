import type { Introduction } from "../core/index.ts";

/** How the tracker mixes its introductions. */
export interface IntroducerOptions {
  /** Viewers of one cluster, by the order in which they joined. */
  readonly clusterSize: number;
  /** The share of viewers named that may be of any cluster. */
  readonly acrossShare: number;
}

/** Who could be named to a peer. */
export interface Candidates {
  /** Seeds, and how many viewers more each of them takes. */
  readonly seeds: readonly { readonly peer: string; readonly room: number }[];
  /** Relays, in random order: they take the place of seeds that are wanting. None by default. */
  readonly relays?: readonly string[];
  /** Viewers of the asker's own cluster, in random order; one more than to be named are enough. */
  readonly cluster: readonly string[];
  /** The same of the whole mesh. */
  readonly mesh: readonly string[];
}

/** How many of each role are named at the most. */
export interface IntroductionLimits {
  readonly seedsMax: number;
  readonly viewersMax: number;
}

const DEFAULT_OPTIONS: IntroducerOptions = { clusterSize: 100, acrossShare: 0.5 };

/**
 * The tracker's choice of whom to name to a peer: seeds while they have room, relays where there are too few, then
 * viewers, most of them of its own cluster, so that a large mesh is locally dense and globally sparse.
 */
export class Introducer {
  readonly #options: IntroducerOptions;

  constructor(options: Partial<IntroducerOptions> = {}) {
    this.#options = { ...DEFAULT_OPTIONS, ...options };
  }

  /** The cluster of the viewer that joined as the `number`th, counted from 0. */
  clusterOf(number: number): number {
    return Math.floor(number / this.#options.clusterSize);
  }

  /** Those to name to `asker`: seeds first, those with the most room first. */
  choose(
    asker: string,
    { seedsMax, viewersMax }: IntroductionLimits,
    { seeds, relays = [], cluster, mesh }: Candidates,
  ): Introduction[] {
    const named = seeds
      .filter(({ peer, room }) => peer !== asker && room > 0)
      .sort((a, b) => b.room - a.room)
      .slice(0, seedsMax)
      .map(({ peer }): Introduction => ({ peer, role: "seed" }));
    const own = Math.ceil(viewersMax * (1 - this.#options.acrossShare));
    const standIns = relays.filter((peer) => peer !== asker).slice(0, seedsMax - named.length);
    const viewers = new Set(standIns);
    // What the cluster or the mesh lacks, the other makes up for.
    for (const [pool, countMax] of [
      [cluster, own],
      [mesh, viewersMax],
      [cluster, viewersMax],
    ] as const) {
      for (const peer of pool) {
        if (viewers.size - standIns.length >= countMax) break;
        if (peer !== asker) viewers.add(peer);
      }
    }
    return [...named, ...Array.from(viewers, (peer): Introduction => ({ peer, role: "viewer" }))];
  }
}
