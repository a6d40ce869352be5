import { after, type InstantMs } from "../../core/index.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";

const DIAL_TIMEOUT_MS = 5000;
const WANT_INTERVAL_MS = 1000;
const PING_AFTER_SILENCE_MS = 2000;
const SILENCE_MAX_MS = 6000;
/** Neighbours of a seed; it serves nobody well who shares it with more. */
const SEED_NEIGHBOURS_MAX = 40;

/** Whom a baseline peer dials, and whom it lets go. Peers that dial it make up to twice the wanted degree. */
export class Connections {
  readonly #degree: number;
  readonly #dialledAt = new Map<string, InstantMs>();
  readonly #toDial: string[] = [];
  #askedAt: InstantMs | undefined;

  constructor(degree: number) {
    this.#degree = degree;
  }

  isFull(neighbours: number, isSeed: boolean): boolean {
    return neighbours >= (isSeed ? SEED_NEIGHBOURS_MAX : 2 * this.#degree);
  }

  introduced(
    now: InstantMs,
    peers: readonly { readonly peer: string }[],
    neighbours: ReadonlyMap<string, unknown>,
  ): void {
    for (const { peer } of peers) {
      if (neighbours.size + this.#dialledAt.size >= this.#degree) return;
      if (neighbours.has(peer) || this.#dialledAt.has(peer)) continue;
      this.#dialledAt.set(peer, now);
      this.#toDial.push(peer);
    }
  }

  takeDials(): readonly string[] {
    return this.#toDial.splice(0);
  }

  opened(peer: string): void {
    this.#dialledAt.delete(peer);
  }

  failed(peer: string): void {
    this.#dialledAt.delete(peer);
  }

  /** How many peers to ask the tracker for. */
  wanted(now: InstantMs, neighbours: number): number {
    for (const [peer, at] of this.#dialledAt) {
      if (after(at, DIAL_TIMEOUT_MS) <= now) this.#dialledAt.delete(peer);
    }
    const count = this.#degree - neighbours - this.#dialledAt.size;
    if (this.#askedAt !== undefined && now < after(this.#askedAt, WANT_INTERVAL_MS)) return 0;
    this.#askedAt = now;
    return Math.max(0, count);
  }

  /** Who was silent for so long that it is gone, and whom to ask for a sign of life. */
  signsOfLife(
    now: InstantMs,
    neighbours: Iterable<BaselineNeighbour>,
  ): { readonly silent: readonly string[]; readonly toPing: readonly BaselineNeighbour[] } {
    const silent: string[] = [];
    const toPing: BaselineNeighbour[] = [];
    for (const neighbour of neighbours) {
      if (now - neighbour.heardAt > SILENCE_MAX_MS) silent.push(neighbour.id);
      else if (now - Math.max(neighbour.heardAt, neighbour.pingedAt) > PING_AFTER_SILENCE_MS) {
        neighbour.pingedAt = now;
        toPing.push(neighbour);
      }
    }
    return { silent, toPing };
  }
}
