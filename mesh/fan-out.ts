import {
  type ClassSet,
  type InstantMs,
  instantMs,
  MANIFEST_CLASS,
  type Message,
  SYMBOL_CLASSES,
} from "../core/index.ts";
import type { Block } from "./block.ts";
import { classesIn, isIn, sizeOf, without } from "./class-set.ts";
import type { FeedRates } from "./feed-rates.ts";
import {
  PREEMPT_EVERY_MS,
  PROBE_EVERY_MS,
  PUSH_WAIT_MAX_MS,
  SHED_EVERY_MS,
  STUCK_MAX_MS,
} from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";
import type { Uploads } from "./uploads.ts";

/** What the wire can tell. */
const SPARE_MAX = 0xff_ff;
/** A subscriber with this many times the capacity takes the place of another. */
const PREEMPT_RATIO = 1.5;
/** The weakest subscriber gets a symbol this much later than the strongest. */
const PENALTY_MAX_MS = 150;
/** A newcomer's word is taken by a seed for as much as this many times the stream: words are cheap. */
const WORD_COPIES_MAX = 1.5;
const BYTES_PER_KBIT = 125;
/** A subscriber that can feed this many others is served at once. */
const STRONG_COPIES = 4;

const NOBODY: readonly Neighbour[] = [];

/** A class that this peer pushes to a neighbour. */
interface Grant {
  readonly rendition: number;
  readonly symbolClass: number;
}

/** Whether this peer can push a class: it gets it, and not from the neighbour that asks. */
export type IsSupplied = (rendition: number, symbolClass: number, asker: Neighbour) => boolean;

/**
 * Pushes each new symbol to the neighbours that subscribed to its class. What is granted stays within
 * the uplink; a stronger subscriber takes the place of a weaker one, so that those who can feed many
 * others come near the source; what turns out to be too much is taken back.
 */
export class FanOut {
  readonly #state: MeshState;
  readonly #uploads: Uploads;
  readonly #rates: FeedRates;
  /** By rendition and class. */
  readonly #children = new Map<number, Neighbour[][]>();
  /** Classes of the mean rendition that the uplink turned out to carry. */
  #slotsMax: number = Number.POSITIVE_INFINITY;
  #slotsAt: InstantMs = instantMs(0);
  /** Classes of symbols that are granted, by rendition. */
  readonly #granted = new Map<number, number>();
  #revokedAt: InstantMs = instantMs(0);

  constructor(state: MeshState, uploads: Uploads, rates: FeedRates) {
    this.#state = state;
    this.#uploads = uploads;
    this.#rates = rates;
    uploads.pushBytesPerS = () => (this.#promised() * rates.bytesPerS) / SYMBOL_CLASSES;
  }

  /** How many classes more this peer could push. */
  spare(): number {
    return Math.min(SPARE_MAX, Math.max(0, Math.floor(this.#slots() - this.#promised())));
  }

  /** How many times this peer could send the whole stream. */
  copies(): number {
    return this.#rates.bytesPerS === 0 ? 0 : this.#uploads.uplink.bytesPerS / this.#rates.bytesPerS;
  }

  /** What a neighbour can pass on, as far as a seed believes it, kb/s. */
  votedKbps(now: InstantMs, neighbour: Neighbour): number {
    const { bytesPerS } = this.#rates;
    const wordMaxKbps =
      bytesPerS === 0 ? Number.POSITIVE_INFINITY : (WORD_COPIES_MAX * bytesPerS) / BYTES_PER_KBIT;
    return neighbour.votedKbps(now, wordMaxKbps);
  }

  /** How many classes it pushes, each neighbour's counted. */
  get granted(): number {
    return [...this.#granted.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The same in classes of the mean rendition. */
  #grantedOfMean(): number {
    let classes = 0;
    for (const [rendition, count] of this.#granted) classes += count * this.#weightOf(rendition);
    return classes;
  }

  /** Classes of the mean rendition that go to nobody. */
  #free(): number {
    return this.#slots() - this.#grantedOfMean();
  }

  /** Classes of the mean rendition that go to those who are not doubted: others can have the rest. */
  #promised(): number {
    let classes = this.#grantedOfMean();
    for (const neighbour of this.#state.ready) {
      if (neighbour.granted.size === 0 || !neighbour.score.isDoubted(this.#state.now)) continue;
      for (const [rendition, own] of neighbour.granted) {
        classes -= sizeOf(symbolClassesOf(own)) * this.#weightOf(rendition);
      }
    }
    return classes;
  }

  /** What a class of a rendition costs, in such of the mean rendition. */
  #weightOf(rendition: number): number {
    const mean = this.#rates.bytesPerS;
    return mean === 0 ? 1 : this.#rates.of(rendition) / mean;
  }

  /** Takes what a neighbour wants pushed, and tells it what of that it gets. */
  subscribe(
    now: InstantMs,
    neighbour: Neighbour,
    { rendition, classes }: Extract<Message, { type: "subscribe" }>,
    isSupplied: IsSupplied,
  ): void {
    const before = neighbour.granted.get(rendition) ?? 0;
    // What waits already still goes out: the neighbour's new parent has only what comes from now on.
    for (const symbolClass of classesIn(without(before, classes))) {
      this.#forget(neighbour, rendition, symbolClass);
    }
    for (const symbolClass of classesIn(without(classes, before))) {
      if (!isSupplied(rendition, symbolClass, neighbour)) continue;
      const isFree = symbolClass === MANIFEST_CLASS || this.#free() >= 1;
      if (isFree || this.#preempt(now, neighbour) || this.#makeUp(now, rendition, symbolClass)) {
        this.#grant(neighbour, rendition, symbolClass);
      }
    }
    this.#tell(neighbour, rendition);
  }

  /** Pushes a symbol to those who subscribed to its class and do not have it. */
  offer(now: InstantMs, block: Block, esi: number, from: Neighbour | undefined): void {
    const symbolClass = block.classOf(esi);
    if (symbolClass < 0) return;
    for (const child of this.#childrenOf(block.id.rendition, symbolClass)) {
      if (child === from || block.isHeldBy(child, esi)) continue;
      this.#uploads.push(now, child, block, esi, this.#penaltyMs(now, child));
    }
  }

  /** Those to whom the manifests of a rendition are pushed. */
  followers(rendition: number): readonly Neighbour[] {
    return this.#childrenOf(rendition, MANIFEST_CLASS);
  }

  /** Takes back what is too much for the uplink, and tries the same again only after a while. */
  shed(now: InstantMs): void {
    if (now - this.#slotsAt > PROBE_EVERY_MS) this.#limitSlots(now, this.#slotsMax + 1);
    if (now - this.#revokedAt < SHED_EVERY_MS) return;
    if (this.#uploads.overdueMs(now) < PUSH_WAIT_MAX_MS) return;
    if (this.#revokeFromWeakest(now, Number.POSITIVE_INFINITY)) {
      this.#limitSlots(now, this.#grantedOfMean());
    }
  }

  /** Takes its classes from who may have vanished or takes nothing: others have a use for them. */
  release(now: InstantMs): void {
    for (const neighbour of this.#state.ready) {
      const stillMs = now - neighbour.drainedAt;
      if (stillMs > this.#uploads.patienceMs) this.#state.setAside(neighbour);
      const isLost = neighbour.isQuiet(now) || (neighbour.isStuck && stillMs > STUCK_MAX_MS);
      if (isLost && neighbour.granted.size > 0) this.dismiss(neighbour);
    }
  }

  /** Forgets a neighbour that is gone. */
  lost(neighbour: Neighbour): void {
    for (const [rendition, classes] of [...neighbour.granted]) {
      for (const symbolClass of classesIn(classes)) this.#forget(neighbour, rendition, symbolClass);
    }
  }

  /** Takes a rendition, which this peer does not get any more, from all who get it. */
  withdraw(rendition: number): void {
    for (const neighbour of new Set(this.#children.get(rendition)?.flat())) {
      for (const symbolClass of classesIn(neighbour.granted.get(rendition) ?? 0)) {
        this.#forget(neighbour, rendition, symbolClass);
      }
      this.#tell(neighbour, rendition);
    }
  }

  /** Takes all that it gets from a neighbour. */
  dismiss(neighbour: Neighbour): void {
    this.lost(neighbour);
    this.#uploads.lost(neighbour);
    for (const rendition of neighbour.granted.keys()) this.#tell(neighbour, rendition);
  }

  #limitSlots(now: InstantMs, slotsMax: number): void {
    this.#slotsMax = slotsMax;
    this.#slotsAt = now;
  }

  #slots(): number {
    const perClass = this.#rates.bytesPerS / SYMBOL_CLASSES;
    if (perClass === 0) return SYMBOL_CLASSES;
    const { pushShare, seedPushShare } = this.#state.tuning;
    const share = this.#state.options.role === "seed" ? seedPushShare : pushShare;
    const affordable = Math.floor((this.#uploads.uplink.bytesPerS * share) / perClass);
    return Math.min(affordable, this.#slotsMax);
  }

  #grant(neighbour: Neighbour, rendition: number, symbolClass: number): void {
    neighbour.granted.set(rendition, (neighbour.granted.get(rendition) ?? 0) | (1 << symbolClass));
    let children = this.#children.get(rendition);
    if (children === undefined) {
      children = Array.from({ length: MANIFEST_CLASS + 1 }, () => []);
      this.#children.set(rendition, children);
    }
    children[symbolClass]?.push(neighbour);
    this.#count(rendition, symbolClass, 1);
  }

  #forget(neighbour: Neighbour, rendition: number, symbolClass: number): void {
    const granted = neighbour.granted.get(rendition) ?? 0;
    if (!isIn(granted, symbolClass)) return;
    neighbour.granted.set(rendition, without(granted, 1 << symbolClass));
    const children = this.#children.get(rendition)?.[symbolClass];
    children?.splice(children.indexOf(neighbour), 1);
    this.#count(rendition, symbolClass, -1);
  }

  /** Counts what is granted. Manifests cost next to nothing. */
  #count(rendition: number, symbolClass: number, more: 1 | -1): void {
    if (symbolClass === MANIFEST_CLASS) return;
    this.#granted.set(rendition, (this.#granted.get(rendition) ?? 0) + more);
  }

  #preempt(now: InstantMs, neighbour: Neighbour): boolean {
    const worth = this.#worthOf(now, neighbour, 1);
    if (worth < 0) return false;
    if (this.#revokeFromWeakest(now, 0)) return true;
    if (now - this.#revokedAt < PREEMPT_EVERY_MS) return false;
    return this.#revokeFromWeakest(now, worth / PREEMPT_RATIO);
  }

  /** A class that a seed sends to nobody comes to nobody in time: it takes the place of another. */
  #makeUp(now: InstantMs, rendition: number, symbolClass: number): boolean {
    if (this.#state.options.role !== "seed") return false;
    const isUnsent = this.#childrenOf(rendition, symbolClass).length === 0;
    return isUnsent && this.#revokeFromWeakest(now, Number.POSITIVE_INFINITY, 2);
  }

  /**
   * Takes one class that `childrenMin` or more get from the weakest subscriber of one, if that is worth
   * less than `worth`.
   */
  #revokeFromWeakest(now: InstantMs, worth: number, childrenMin = 1): boolean {
    let weakest: { neighbour: Neighbour; worth: number; grant: Grant } | undefined;
    for (const neighbour of this.#state.ready) {
      const own = this.#worthOf(now, neighbour, 0);
      if (own >= (weakest?.worth ?? worth)) continue;
      const grant = this.#mostSpread(neighbour, childrenMin);
      if (grant !== undefined) weakest = { neighbour, worth: own, grant };
    }
    if (weakest === undefined) return false;
    const { neighbour, grant } = weakest;
    this.#forget(neighbour, grant.rendition, grant.symbolClass);
    this.#tell(neighbour, grant.rendition);
    this.#revokedAt = now;
    return true;
  }

  /** Of the classes that go to a neighbour the one that most get from here, and no fewer than `childrenMin`. */
  #mostSpread(neighbour: Neighbour, childrenMin: number): Grant | undefined {
    let best: Grant | undefined;
    let most = childrenMin - 1;
    for (const [rendition, classes] of neighbour.granted) {
      for (const symbolClass of classesIn(symbolClassesOf(classes))) {
        const children = this.#childrenOf(rendition, symbolClass).length;
        if (children <= most) continue;
        best = { rendition, symbolClass };
        most = children;
      }
    }
    return best;
  }

  #childrenOf(rendition: number, symbolClass: number): readonly Neighbour[] {
    return this.#children.get(rendition)?.[symbolClass] ?? NOBODY;
  }

  #tell(neighbour: Neighbour, rendition: number): void {
    const classes = neighbour.granted.get(rendition) ?? 0;
    this.#state.send(neighbour, { type: "serve", rendition, classes, spare: this.spare() });
  }

  /**
   * What it is worth to feed a neighbour: what it can pass on, if it is not known to keep what it
   * gets. A seed spreads its classes over many: each of `more` classes than now makes a neighbour
   * worth less to it.
   */
  #worthOf(now: InstantMs, neighbour: Neighbour, more: number): number {
    const { granted } = neighbour;
    if (neighbour.score.isDoubted(now)) return -1;
    if (this.#state.options.role !== "seed") return neighbour.contributionKbps(now);
    let classes = more;
    for (const own of granted.values()) classes += sizeOf(symbolClassesOf(own));
    return this.votedKbps(now, neighbour) / Math.max(1, classes);
  }

  #penaltyMs(now: InstantMs, neighbour: Neighbour): number {
    const copies =
      (neighbour.contributionKbps(now) * BYTES_PER_KBIT) / Math.max(1, this.#rates.bytesPerS);
    return PENALTY_MAX_MS * (1 - Math.min(1, copies / STRONG_COPIES));
  }
}

/** All classes but that of the manifests, which costs next to nothing. */
function symbolClassesOf(classes: ClassSet): ClassSet {
  return without(classes, 1 << MANIFEST_CLASS);
}
