import type { PeerRole, Random } from "../core/index.ts";
import type { Host } from "./host.ts";

/** The name of a peer to dial. */
export interface Introduction {
  readonly peer: string;
  readonly role: PeerRole;
}

/** Viewers that a seed peer is introduced to, for each stream rate of its uplink. */
const SEED_NEIGHBOURS_PER_RATE = 4;

/** Knows who is there and names peers to those who ask. It forgets a peer when it is told to. */
export class Tracker {
  isUp = true;
  readonly #random: Random;
  readonly #originUplink: number;
  readonly #viewers: Host[] = [];
  readonly #places = new Map<Host, number>();
  readonly #seeds = new Set<Host>();

  constructor(random: Random, originUplink: number) {
    this.#random = random;
    this.#originUplink = originUplink;
  }

  join(host: Host): void {
    if (host.isSeed) {
      this.#seeds.add(host);
    } else if (!this.#places.has(host)) {
      this.#places.set(host, this.#viewers.length);
      this.#viewers.push(host);
    }
  }

  leave(host: Host): void {
    this.#seeds.delete(host);
    const place = this.#places.get(host);
    const last = this.#viewers.at(-1);
    if (place === undefined || last === undefined) return;
    this.#viewers[place] = last;
    this.#places.set(last, place);
    this.#viewers.pop();
    this.#places.delete(host);
  }

  /** Forgets everybody, as after a restart. */
  clear(): void {
    this.#seeds.clear();
    this.#viewers.length = 0;
    this.#places.clear();
  }

  /** Up to `count` peers for `host` to dial: a seed that has room, and viewers at random. */
  introduce(host: Host, count: number): Introduction[] {
    const chosen = new Set<Host>();
    for (const seed of this.#seeds) {
      const room = this.#originUplink * SEED_NEIGHBOURS_PER_RATE;
      if (seed !== host && seed.links.size < room) chosen.add(seed);
    }
    for (let tries = 0; tries < 4 * count && chosen.size < count; tries++) {
      const viewer = this.#random.pick(this.#viewers);
      if (viewer !== undefined && viewer !== host && !host.links.has(viewer.id)) chosen.add(viewer);
    }
    return [...chosen].map(({ id, traits: { role } }) => ({ peer: id, role }));
  }
}
