import type { Random } from "../core/index.ts";
import { Introducer, type IntroducerOptions } from "../mesh/index.ts";
import type { Host } from "./host.ts";

/** The name of a peer to dial. */
export type Introduction = ReturnType<Introducer["choose"]>[number];

/** Whom the tracker names at the most, as the API does by default. */
const SEEDS_MAX = 4;
const VIEWERS_MAX = 8;
/** A seed tells how many viewers more it takes this often. */
const ROOM_EVERY_MS = 2000;
/** Viewers that a seed of a protocol without a word for it takes, for each stream rate of its uplink. */
const SEED_NEIGHBOURS_PER_RATE = 4;

/** What a seed last told, less those who were sent to it since. */
interface Room {
  count: number;
  toldAt: number;
}

/** Viewers that are there, to draw from. */
class Roster {
  readonly #hosts: Host[] = [];
  readonly #places = new Map<Host, number>();

  add(host: Host): void {
    if (this.#places.has(host)) return;
    this.#places.set(host, this.#hosts.length);
    this.#hosts.push(host);
  }

  delete(host: Host): void {
    const place = this.#places.get(host);
    const last = this.#hosts.at(-1);
    if (place === undefined || last === undefined) return;
    this.#hosts[place] = last;
    this.#places.set(last, place);
    this.#hosts.pop();
    this.#places.delete(host);
  }

  /** The names of up to `count` of them, in random order, nobody twice. */
  draw(random: Random, count: number): string[] {
    const hosts = this.#hosts;
    if (hosts.length <= 2 * count) {
      return random
        .shuffle([...hosts])
        .slice(0, count)
        .map(({ id }) => id);
    }
    const drawn = new Set<string>();
    while (drawn.size < count) drawn.add(hosts[random.below(hosts.length)]?.id ?? "");
    return [...drawn];
  }
}

/** Knows who is there and names peers to those who ask, as the API's tracker does: its Introducer chooses. */
export class Tracker {
  isUp = true;
  readonly #random: Random;
  readonly #originUplink: number;
  readonly #introducer: Introducer;
  readonly #mesh = new Roster();
  readonly #clusters = new Map<number, Roster>();
  readonly #clusterOf = new Map<Host, Roster>();
  readonly #rooms = new Map<Host, Room>();
  #joins = 0;

  constructor(random: Random, originUplink: number, options: Partial<IntroducerOptions>) {
    this.#random = random;
    this.#originUplink = originUplink;
    this.#introducer = new Introducer(options);
  }

  join(host: Host): void {
    if (host.isSeed) {
      this.#rooms.set(host, { count: 0, toldAt: Number.NEGATIVE_INFINITY });
      return;
    }
    if (this.#clusterOf.has(host)) return;
    const number = this.#introducer.clusterOf(this.#joins++);
    const cluster = this.#clusters.get(number) ?? new Roster();
    this.#clusters.set(number, cluster);
    this.#clusterOf.set(host, cluster);
    cluster.add(host);
    this.#mesh.add(host);
  }

  leave(host: Host): void {
    this.#rooms.delete(host);
    this.#mesh.delete(host);
    this.#clusterOf.get(host)?.delete(host);
    this.#clusterOf.delete(host);
  }

  /** Forgets everybody, as after a restart. */
  clear(): void {
    for (const host of [...this.#rooms.keys(), ...this.#clusterOf.keys()]) this.leave(host);
    this.#clusters.clear();
  }

  /** Names up to `count` peers for `host` to dial: seeds that have room, then viewers. */
  introduce(now: number, host: Host, count: number = SEEDS_MAX + VIEWERS_MAX): Introduction[] {
    const seedsMax = Math.min(count, SEEDS_MAX);
    const viewersMax = Math.min(count, VIEWERS_MAX);
    const seeds = Array.from(this.#rooms, ([seed, room]) => {
      if (now - room.toldAt >= ROOM_EVERY_MS) {
        room.count = this.#roomOf(seed);
        room.toldAt = now;
      }
      return { peer: seed.id, room: room.count, told: room };
    });
    // One more than wanted: the host itself may be drawn.
    const named = this.#introducer.choose(
      host.id,
      { seedsMax, viewersMax },
      {
        seeds,
        cluster: this.#clusterOf.get(host)?.draw(this.#random, viewersMax + 1) ?? [],
        mesh: this.#mesh.draw(this.#random, viewersMax + 1),
      },
    );
    for (const { peer } of named) {
      const seed = seeds.find((one) => one.peer === peer);
      if (seed !== undefined) seed.told.count--;
    }
    return named.slice(0, count);
  }

  #roomOf(seed: Host): number {
    return (
      seed.peer.room ?? Math.max(0, this.#originUplink * SEED_NEIGHBOURS_PER_RATE - seed.links.size)
    );
  }
}
