import {
  type InstantMs,
  instantMs,
  type KnownPeer,
  type Message,
  type PeerRole,
  RELAY_BYTES_MAX,
} from "../core/index.ts";
import { sizeOf } from "./class-set.ts";
import type { FanOut } from "./fan-out.ts";
import {
  BARRED_MAX,
  CANDIDATES_MAX,
  DIAL_TIMEOUT_MS,
  NEIGHBOURS_MAX,
  REVIEW_EVERY_MS,
} from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** A neighbour has this long to show its worth before it can be let go for another. */
const GRACE_MS = 10_000;
/** One that was dialled from elsewhere, neither gives nor takes, and is in the way has this long. */
const IDLE_GRACE_MS = 1000;
/** One that was dialled has this long to give something before others are sought beside it. */
const PROOF_MS = 1500;
/** This share of its degree a peer wants to be neighbours that have given something. */
const PROVEN_SHARE = 0.5;
/** To a seed it has said what it can send by then. */
const SEED_GRACE_MS = 1000;
/** A peer that could not be dialled is left alone for this long. */
const REDIAL_AFTER_MS = 30_000;
/** The same for a peer that has no other neighbour, and for a seed that fell silent, which nobody replaces. */
const SOON_REDIAL_AFTER_MS = 2000;
/** The tracker is asked for more peers at most this often; by who has few neighbours, more often. */
const WANT_EVERY_MS = 5000;
const FEW_WANT_EVERY_MS = 1000;
/** A dial that takes longer than this may come to nothing: others are tried beside it. */
const SLOW_DIAL_MS = 1000;
/** Beyond its degree a peer seeks parents up to this many times that, so that newcomers find room. */
const SEEK_DEGREES = 2;

/** Who can send this many times the stream seeks a place at a seed, this often. */
const CLIMB_COPIES = 1.5;
const CLIMB_EVERY_MS = 4000;
/** While classes lack a parent, a peer with some to spare is dialled this often. */
const SEEK_EVERY_MS = 700;
/** How many others a neighbour is told of at a time. */
const EXCHANGED_MAX = 4;

interface Candidate {
  readonly role: PeerRole;
  readonly spare: number;
  /** The neighbour that knows it; undefined: the tracker. */
  readonly via: Neighbour | undefined;
}

/**
 * Keeps a peer's neighbours: enough of them, those that are worth most. It dials whom the tracker or
 * neighbours name, tells neighbours of each other, and lets the least useful go when there are too many.
 */
export class Membership {
  readonly #state: MeshState;
  readonly #fanOut: FanOut;
  readonly #subscriptions: Subscriptions;
  readonly #candidates = new Map<string, Candidate>();
  readonly #dialledAt = new Map<string, InstantMs>();
  readonly #leftAloneUntil = new Map<string, InstantMs>();
  /** Those that are kept out, and until when; the first one first. */
  readonly #barredUntil = new Map<string, InstantMs>();
  #reviewedAt: InstantMs = instantMs(0);
  #soughtAt: InstantMs = instantMs(0);
  #climbedAt: InstantMs = instantMs(0);
  #wantedAt: InstantMs = instantMs(Number.NEGATIVE_INFINITY);

  constructor(state: MeshState, fanOut: FanOut, subscriptions: Subscriptions) {
    this.#state = state;
    this.#fanOut = fanOut;
    this.#subscriptions = subscriptions;
  }

  /** The tracker names peers. */
  introduced(peers: readonly { readonly peer: string; readonly role: PeerRole }[]): void {
    for (const { peer, role } of peers) this.#know(peer, { role, spare: 0, via: undefined });
  }

  /** A neighbour names its neighbours. */
  exchanged(via: Neighbour, peers: readonly KnownPeer[]): void {
    for (const { peer, role, spare } of peers) this.#know(peer, { role, spare, via });
  }

  connected(id: string): void {
    this.#dialledAt.delete(id);
    this.#candidates.delete(id);
  }

  undialable(now: InstantMs, id: string): void {
    this.#dialledAt.delete(id);
    this.#candidates.delete(id);
    this.#leaveAlone(now, id);
  }

  /** Keeps somebody out: it is neither dialled nor let in until then. */
  bar(id: string, until: InstantMs): void {
    if (this.#barredUntil.size >= BARRED_MAX) {
      const [first] = this.#barredUntil.keys();
      if (first !== undefined) this.#barredUntil.delete(first);
    }
    this.#barredUntil.set(id, until);
    this.#candidates.delete(id);
  }

  isBarred(now: InstantMs, id: string): boolean {
    return (this.#barredUntil.get(id) ?? now) > now;
  }

  lost(now: InstantMs, neighbour: Neighbour): void {
    const { id } = neighbour;
    this.#leaveAlone(now, id, neighbour.isSeed && neighbour.isQuiet(now));
    for (const [peer, { via }] of this.#candidates) {
      if (via?.id === id) this.#candidates.delete(peer);
    }
  }

  /** Neighbours that have given something, or that this peer has dialled and that may yet. */
  #proven(now: InstantMs): number {
    let proven = 0;
    for (const neighbour of this.#state.ready) {
      const isNew = neighbour.isOutbound && now - neighbour.connectedAt < PROOF_MS;
      if (isNew || neighbour.isProven(now)) proven++;
    }
    return proven;
  }

  /** Neighbours that are there, as far as is known. */
  #living(now: InstantMs): number {
    let living = 0;
    for (const neighbour of this.#state.neighbours.values()) if (!neighbour.isQuiet(now)) living++;
    return living;
  }

  /** How many more neighbours there is room for. */
  get room(): number {
    return Math.max(0, this.#neighboursMax() - this.#state.neighbours.size);
  }

  /** Whether there is room for one more neighbour; the least useful may have to go for it. */
  makeRoom(now: InstantMs): boolean {
    const { neighbours } = this.#state;
    if (neighbours.size < this.#neighboursMax()) return true;
    // A seed takes newcomers in, and lets the weakest go once they have said what they can do.
    if (this.#isSeed())
      return neighbours.size < Math.min(NEIGHBOURS_MAX, 2 * this.#neighboursMax());
    const leaving = this.#leastUseful(now);
    if (leaving === undefined) return false;
    this.#state.disconnect(leaving, "overloaded", "others are of more use here");
    return true;
  }

  /** Dials, asks for and exchanges peers as is due. */
  run(now: InstantMs): void {
    this.#forgetOld(now);
    if (now - this.#reviewedAt >= REVIEW_EVERY_MS) {
      this.#reviewedAt = now;
      this.#exchange(now);
    }
    if (this.#isSeed()) {
      this.#prune(now);
      return; // It is dialled, and dials nobody.
    }
    if (this.#subscriptions.lacking > 0) this.#seekParents(now);
    this.#climb(now);
    const { degree } = this.#state.tuning;
    const unproven = PROVEN_SHARE * degree - this.#proven(now);
    let lacking = Math.max(degree - this.#living(now), unproven) - this.#dialsUnderWay(now);
    if (lacking <= 0) return;
    for (const [id, candidate] of this.#best(now)) {
      if (lacking-- <= 0) break;
      this.#dial(now, id, candidate);
    }
    // Of those that the tracker names, attackers may be the most.
    if (lacking > 0) this.#want(now, unproven > 0 ? degree : lacking);
  }

  /** Carries signalling between two neighbours, or hands in what is for this peer. */
  relay(neighbour: Neighbour, message: Extract<Message, { type: "relay" }>): void {
    const { from, to, payload } = message;
    if (to === this.#state.options.peer.id) {
      this.#state.outputs.push({ kind: "signal", peer: from, via: neighbour.id, payload });
      return;
    }
    const next = this.#state.neighbours.get(to);
    if (next?.isReady === true && from === neighbour.id) this.#state.send(next, message);
  }

  /** Sends signalling to `peer` through the neighbour `via`; nothing if that is gone or it is too long. */
  signal(peer: string, via: string, payload: Uint8Array): void {
    const neighbour = this.#state.neighbours.get(via);
    if (neighbour?.isReady !== true || payload.length > RELAY_BYTES_MAX) return;
    const from = this.#state.options.peer.id;
    this.#state.send(neighbour, { type: "relay", from, to: peer, payload });
  }

  #isSeed(): boolean {
    return this.#state.options.role === "seed";
  }

  /** Who can push to many may have many neighbours: two for each class that goes out, at the most. */
  #neighboursMax(): number {
    const { degreeMax } = this.#state.tuning;
    const { granted } = this.#fanOut;
    // A seed that counted what it pushes only would have room for fewer with each that it lets go.
    const pushes = this.#isSeed() ? granted + this.#fanOut.spare() : granted;
    return Math.min(NEIGHBOURS_MAX, Math.max(degreeMax, pushes + degreeMax / 2));
  }

  /** Dials that may come to something soon. */
  #dialsUnderWay(now: InstantMs): number {
    let dials = 0;
    for (const at of this.#dialledAt.values()) if (now - at < SLOW_DIAL_MS) dials++;
    return dials;
  }

  #leaveAlone(now: InstantMs, id: string, isMissed = false): void {
    const isLonely = this.#state.ready.length === 0;
    const forMs = isMissed || isLonely ? SOON_REDIAL_AFTER_MS : REDIAL_AFTER_MS;
    this.#leftAloneUntil.set(id, instantMs(now + forMs));
  }

  #know(id: string, candidate: Candidate): void {
    if (id === this.#state.options.peer.id || this.#state.neighbours.has(id)) return;
    if (this.#leftAloneUntil.has(id) || this.#dialledAt.has(id) || this.#barredUntil.has(id))
      return;
    this.#candidates.delete(id);
    if (this.#candidates.size >= CANDIDATES_MAX) {
      const [oldest] = this.#candidates.keys();
      if (oldest !== undefined) this.#candidates.delete(oldest);
    }
    this.#candidates.set(id, candidate);
  }

  /** Candidates, the best first: seeds, then those with classes to spare, then any, in random order. */
  #best(now: InstantMs): [string, Candidate][] {
    const worthOf = ({ role, spare, via }: Candidate): number =>
      role === "seed" && via === undefined ? 2 : Math.min(1, spare);
    const within = [...this.#candidates].filter(([, { via }]) => via?.isQuiet(now) !== true);
    return this.#state.options.random
      .shuffle(within)
      .sort(([, a], [, b]) => worthOf(b) - worthOf(a));
  }

  #dial(now: InstantMs, id: string, { via }: Candidate): void {
    this.#candidates.delete(id);
    this.#dialledAt.set(id, now);
    this.#state.outputs.push({ kind: "dial", peer: id, via: via?.id });
  }

  /** Tells each neighbour of some others, those with room first. A relay keeps the seeds to itself. */
  #exchange(now: InstantMs): void {
    const worthOf = ({ isSeed, status }: Neighbour): number =>
      isSeed ? 2 : Math.min(1, status.spare);
    const { relay } = this.#state.options;
    const known = this.#state.ready.filter(
      (neighbour) => !((relay === true && neighbour.isSeed) || isIdle(now, neighbour)),
    );
    for (const neighbour of this.#state.ready) {
      if (neighbour.isSeed) continue;
      const others = known.filter((other) => other !== neighbour);
      const peers = this.#state.options.random
        .shuffle(others)
        .sort((a, b) => worthOf(b) - worthOf(a))
        .slice(0, EXCHANGED_MAX)
        .map(({ id, role = "viewer", status }) => {
          const { capacityKbps, spare } = status;
          return { peer: id, role, capacityKbps, spare };
        });
      if (peers.length > 0) this.#state.send(neighbour, { type: "peers", peers });
    }
  }

  /** Dials one peer beyond the degree that has classes to spare. */
  #seekParents(now: InstantMs): void {
    if (now - this.#soughtAt < SEEK_EVERY_MS) return;
    const sought = SEEK_DEGREES * this.#state.tuning.degree;
    if (this.#living(now) + this.#dialsUnderWay(now) >= sought) return;
    this.#soughtAt = now;
    const [best] = this.#best(now);
    if (best !== undefined && best[1].spare > 0) this.#dial(now, ...best);
    else this.#want(now, 1);
  }

  /** Who can feed many others looks for a place at the source: the seed lets a weaker one go for it. */
  #climb(now: InstantMs): void {
    if (now - this.#climbedAt < CLIMB_EVERY_MS || this.#fanOut.copies() < CLIMB_COPIES) return;
    this.#climbedAt = now;
    if (this.#state.ready.some(({ isSeed }) => isSeed)) return;
    const seeds = [...this.#candidates].filter(([, { role }]) => role === "seed");
    const seed = this.#state.options.random.pick(seeds);
    if (seed !== undefined) this.#dial(now, ...seed);
  }

  #want(now: InstantMs, count: number): void {
    const hasFew = this.#proven(now) < this.#state.tuning.degree / 2;
    if (now - this.#wantedAt < (hasFew ? FEW_WANT_EVERY_MS : WANT_EVERY_MS)) return;
    this.#wantedAt = now;
    this.#state.outputs.push({ kind: "wantPeers", count });
  }

  /** Lets the least useful of a seed's neighbours go while there are too many. */
  #prune(now: InstantMs): void {
    while (this.#state.neighbours.size > this.#neighboursMax()) {
      const leaving = this.#leastUseful(now);
      if (leaving === undefined) return;
      this.#state.disconnect(leaving, "overloaded", "others are of more use here");
    }
  }

  /** Of several as useful the one that came last: who claims as much as others pushes none of them out. */
  #leastUseful(now: InstantMs): Neighbour | undefined {
    let least: { neighbour: Neighbour; use: number } | undefined;
    for (const neighbour of this.#state.ready) {
      const graceMs = this.#graceMsOf(now, neighbour);
      if (neighbour.isSeed || now - neighbour.connectedAt < graceMs) continue;
      const use = this.#useOf(now, neighbour);
      if (least === undefined || use <= least.use) least = { neighbour, use };
    }
    return least?.neighbour;
  }

  #graceMsOf(now: InstantMs, neighbour: Neighbour): number {
    if (this.#isSeed()) return SEED_GRACE_MS;
    return isIdle(now, neighbour) ? IDLE_GRACE_MS : GRACE_MS;
  }

  /** What a neighbour gives and takes; to a seed, what it can pass on. */
  #useOf(now: InstantMs, neighbour: Neighbour): number {
    if (neighbour.isQuiet(now)) return Number.NEGATIVE_INFINITY;
    if (this.#isSeed()) return this.#fanOut.votedKbps(now, neighbour);
    const { granted, score } = neighbour;
    let taken = 0;
    for (const classes of granted.values()) taken += sizeOf(classes);
    return score.value(now) + taken;
  }

  #forgetOld(now: InstantMs): void {
    for (const [id, at] of this.#dialledAt)
      if (now - at > DIAL_TIMEOUT_MS) this.undialable(now, id);
    for (const untils of [this.#leftAloneUntil, this.#barredUntil]) {
      for (const [id, until] of untils) if (until <= now) untils.delete(id);
    }
  }
}

/** Whether a neighbour that dialled neither gave nor gets anything: it may only be in the way. */
function isIdle(now: InstantMs, neighbour: Neighbour): boolean {
  if (neighbour.isOutbound || neighbour.isProven(now)) return false;
  return [...neighbour.granted.values()].every((classes) => sizeOf(classes) === 0);
}
