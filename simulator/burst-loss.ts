import { assert, type Random } from "../core/index.ts";

/**
 * Packets lost in bursts (Gilbert 1960, Elliott 1963): each path alternates between runs of good packets
 * and runs of lost ones, both geometric in length.
 */
export class BurstLoss {
  readonly #random: Random;
  readonly #rate: number;
  readonly #endOfLoss: number;
  readonly #startOfLoss: number;
  /** By path: good packets left (> 0), or lost packets left (< 0). */
  #runs = new Int32Array(1 << 12);

  /** `rate`: share of packets lost, 0..0.5. `burstPackets`: mean length of a burst, at least 1. */
  constructor(random: Random, rate: number, burstPackets: number) {
    assert(rate >= 0 && rate <= 0.5 && burstPackets >= 1, "at most half of all packets are lost");
    this.#random = random;
    this.#rate = rate;
    this.#endOfLoss = 1 / burstPackets;
    this.#startOfLoss = rate / (burstPackets * (1 - rate));
  }

  /** Sends `packets` packets over a path and gives how many are lost. */
  lost(path: number, packets: number): number {
    if (this.#rate === 0) return 0;
    if (path >= this.#runs.length) this.#grow(path);
    let run = this.#runs[path] as number;
    if (run === 0) run = this.#random.next() < this.#rate ? -this.#lossRun() : this.#goodRun();
    let left = packets;
    let lost = 0;
    while (left > 0) {
      const step = Math.min(left, Math.abs(run));
      left -= step;
      if (run < 0) lost += step;
      run = run < 0 ? run + step || this.#goodRun() : run - step || -this.#lossRun();
    }
    this.#runs[path] = run;
    return lost;
  }

  #goodRun(): number {
    return geometric(this.#random, this.#startOfLoss);
  }

  #lossRun(): number {
    return geometric(this.#random, this.#endOfLoss);
  }

  #grow(path: number): void {
    const longer = new Int32Array(2 ** Math.ceil(Math.log2(path + 1)));
    longer.set(this.#runs);
    this.#runs = longer;
  }
}

/** Tries up to and with the first success; at most 2^30. */
function geometric(random: Random, chance: number): number {
  if (chance >= 1) return 1;
  const tries = 1 + Math.floor(Math.log(1 - random.next()) / Math.log(1 - chance));
  return Math.min(tries, 2 ** 30);
}
