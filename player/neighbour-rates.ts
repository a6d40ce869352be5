/** Rates are those of the last so many looks. */
const LOOKS = 8;

/** Bytes that went over the channel to a neighbour, of all messages, since it was opened. */
export interface ChannelTraffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What goes over it now. */
export interface ChannelRates {
  readonly sentBitsPerS: number;
  readonly receivedBitsPerS: number;
}

interface Look extends ChannelTraffic {
  readonly atMs: number;
}

/** How much goes to and comes from each neighbour, as the mean of a short while: media come in bursts. */
export class NeighbourRates {
  readonly #looks = new Map<string, Look[]>();

  /** Takes what went over the channels of all neighbours so far. */
  look(nowMs: number, traffic: ReadonlyMap<string, ChannelTraffic>): void {
    for (const neighbour of this.#looks.keys()) {
      if (!traffic.has(neighbour)) this.#looks.delete(neighbour);
    }
    for (const [neighbour, bytes] of traffic) {
      const known = this.#looks.get(neighbour) ?? [];
      const isNew = bytes.sentBytes < (known.at(-1)?.sentBytes ?? 0); // It came back on another channel.
      const looks = [...(isNew ? [] : known), { atMs: nowMs, ...bytes }];
      this.#looks.set(neighbour, looks.slice(-LOOKS - 1));
    }
  }

  /** Of one that was not looked at twice: nothing. */
  of(neighbour: string): ChannelRates {
    const looks = this.#looks.get(neighbour) ?? [];
    const [first] = looks;
    const last = looks.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) {
      return { sentBitsPerS: 0, receivedBitsPerS: 0 };
    }
    const perS = 8000 / (last.atMs - first.atMs);
    return {
      sentBitsPerS: Math.round((last.sentBytes - first.sentBytes) * perS),
      receivedBitsPerS: Math.round((last.receivedBytes - first.receivedBytes) * perS),
    };
  }
}
