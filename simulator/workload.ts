import { assert, type Random } from "../core/index.ts";
import { normal } from "./distributions.ts";

/** Shares of viewers and their uplinks, as multiples of the stream's rate or in Mb/s. */
export type MixName = "tight" | "bb20" | "h1.2";

interface UplinkClass {
  /** Viewers of 20 that are of this class. */
  readonly of20: number;
  readonly uplinkBps: (streamBps: number) => number;
}

const MIXES: Readonly<Record<MixName, readonly UplinkClass[]>> = {
  tight: [
    { of20: 2, uplinkBps: (streamBps) => 5 * streamBps },
    { of20: 7, uplinkBps: (streamBps) => 1.2 * streamBps },
    { of20: 7, uplinkBps: (streamBps) => 0.6 * streamBps },
    { of20: 4, uplinkBps: () => 0 },
  ],
  bb20: [
    { of20: 2, uplinkBps: () => 25e6 },
    { of20: 5, uplinkBps: () => 10e6 },
    { of20: 6, uplinkBps: () => 5e6 },
    { of20: 3, uplinkBps: () => 1e6 },
    { of20: 4, uplinkBps: () => 0 },
  ],
  "h1.2": [{ of20: 20, uplinkBps: (streamBps) => 1.2 * streamBps }],
};

/**
 * Deals uplinks in decks of 20, each deck with the exact shares of the mix in a random order, so that
 * chance moves the order of capacities but not their sum.
 */
export class UplinkDeck {
  readonly #random: Random;
  readonly #uplinks: readonly number[];
  #deck: number[] = [];

  /** `supply`: mean uplink wanted, as a multiple of `streamBps`; 0 keeps that of the mix. */
  constructor(random: Random, mix: MixName, streamBps: number, supply: number) {
    this.#random = random;
    const uplinks = MIXES[mix].flatMap(({ of20, uplinkBps }) =>
      new Array<number>(of20).fill(uplinkBps(streamBps)),
    );
    assert(uplinks.length === 20, "a mix shares out 20 viewers");
    const mean = uplinks.reduce((sum, uplink) => sum + uplink, 0) / uplinks.length;
    const scale = supply === 0 ? 1 : (supply * streamBps) / mean;
    this.#uplinks = uplinks.map((uplink) => uplink * scale);
  }

  /** The uplink of the next viewer, in bits a second. */
  deal(): number {
    if (this.#deck.length === 0) this.#deck = this.#random.shuffle([...this.#uplinks]);
    return this.#deck.pop() as number;
  }
}

/** How long viewers stay: the logarithm of the seconds is normal (Veloso et al. 2002; papers say 5.5, 1.44). */
export class Sessions {
  readonly #random: Random;
  readonly #mu: number;
  readonly #sigma: number;

  constructor(random: Random, mu: number, sigma: number) {
    this.#random = random;
    this.#mu = mu;
    this.#sigma = sigma;
  }

  get meanMs(): number {
    return 1000 * Math.exp(this.#mu + this.#sigma ** 2 / 2);
  }

  /** A whole session of a viewer who comes now, in ms. */
  draw(): number {
    return 1000 * Math.exp(this.#mu + this.#sigma * normal(this.#random));
  }

  /**
   * What is left of the session of a viewer who is there already, in ms: long sessions are met more
   * often (the length-biased lognormal has mu + sigma^2), at a uniform age.
   */
  drawRest(): number {
    const whole = Math.exp(this.#mu + this.#sigma ** 2 + this.#sigma * normal(this.#random));
    return 1000 * whole * this.#random.next();
  }
}

/** When `count` viewers come in a burst of `durationMs`: a logistic curve, steepest in the middle. */
export function logisticArrivals(random: Random, count: number, durationMs: number): number[] {
  const steepness = 8;
  const lowest = 1 / (1 + Math.exp(steepness / 2));
  const times = Array.from({ length: count }, () => {
    const share = lowest + random.next() * (1 - 2 * lowest);
    return durationMs * (0.5 + Math.log(share / (1 - share)) / steepness);
  });
  return times.sort((a, b) => a - b);
}
