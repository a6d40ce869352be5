import {
  after,
  type BlockId,
  CLASSES,
  type ClassSet,
  type InstantMs,
  instantMs,
  MANIFEST_CLASS,
  type Message,
} from "../core/index.ts";
import type { Block } from "./block.ts";
import { isIn } from "./class-set.ts";
import { type ClassFeed, Feed } from "./feed.ts";
import {
  ASK_AGAIN_AFTER_MS,
  IMPROVE_EVERY_MS,
  MISSES_MAX,
  PARENT_SILENCE_MAX_MS,
  SERVE_TIMEOUT_MS,
} from "./limits.ts";
import type { Liveness } from "./liveness.ts";
import type { Input } from "./mesh-io.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";

/** What the first symbols of a class may take more than its parent's lag and half a round trip. */
const FIRST_HOP_MS = 60;
/**
 * Classes are spread over neighbours: each class that one has already makes it this much worse. Of a
 * seed, whose uplink is the scarcest, peers take different classes and trade them.
 */
const SPREAD_MS = 15;
const SEED_SPREAD_MS = 120;
/** Without a spare class only a stronger subscriber gets one, so such a neighbour comes later. */
const NO_SPARE_MS = 400;
/** However unsteady a class is, it is late after this many times the slack. */
const SLACKS_MAX = 2;
/** Each class more of one that has given nothing yet is as bad as so much delay. */
const DOUBT_MS = 250;
/** One that has given less than it failed to give is as bad as so much delay. */
const FAILED_MS = 1000;
/** The time after which one is tried again doubles with each symbol that it failed to give, so often. */
const FAILURES_MAX = 5;
/** Who can feed this many others takes the place of almost any. */
const STRONG_COPIES = 3;
/** A new parent must be this much nearer to the origin to be worth the change. */
const GAIN_MIN_MS = 150;
const GAIN_MIN_SHARE = 0.4;
/** A lag of this share of the longest delay is soon enough; for more than that no symbol is waited. */
const CONTENT_SHARE = 0.25;
/** A class that lags by this share of it lives on pulls: perhaps no seed sends it. */
const DRY_SHARE = 0.5;

/** What neighbours sent before they heard that a rendition is followed no more comes within this time. */
const LEFT_REMEMBERED_MS = 5000;

export interface SubscriptionParts {
  readonly liveness: Liveness;
  /** How many times this peer could send the whole stream. */
  readonly copies: () => number;
}

/**
 * Chooses for each class of each rendition the neighbour that shall push it: the one by which it
 * comes soonest. A parent that is late again and again is left.
 */
export class Subscriptions {
  readonly #state: MeshState;
  readonly #feeds = new Map<number, Feed>();
  /** Neighbours whose classes have changed, by rendition. */
  readonly #changed = new Map<Neighbour, Set<number>>();
  /** When each rendition that is followed no more was left. */
  readonly #leftAt = new Map<number, InstantMs>();
  readonly #parts: SubscriptionParts;
  #improvedAt: InstantMs = instantMs(0);
  /** Classes that nobody pushes. */
  #lacking: number;
  /** Classes that are pushed to this peer. */
  #served = 0;
  /** How often a class has got or lost its parent. */
  changes = 0;

  constructor(state: MeshState, renditions: readonly number[], parts: SubscriptionParts) {
    this.#state = state;
    this.#parts = parts;
    for (const rendition of renditions) this.#feeds.set(rendition, new Feed(rendition));
    this.#lacking = CLASSES * this.#feeds.size;
  }

  get feeds(): IterableIterator<Feed> {
    return this.#feeds.values();
  }

  isFollowed(rendition: number): boolean {
    return this.#feeds.has(rendition);
  }

  /** Whether a media block is of a followed rendition, and not from before that was followed. */
  isWanted({ rendition, sequence }: BlockId): boolean {
    const feed = this.#feeds.get(rendition);
    return feed !== undefined && sequence >= feed.sequence;
  }

  /** Whether a rendition was followed a moment ago: what comes of it was asked for. */
  wasFollowed(now: InstantMs, rendition: number): boolean {
    return now - (this.#leftAt.get(rendition) ?? Number.NEGATIVE_INFINITY) < LEFT_REMEMBERED_MS;
  }

  /** Follows these renditions and no others. Gives those that it followed before and does no longer. */
  follow(now: InstantMs, wanted: Extract<Input, { kind: "follow" }>["renditions"]): number[] {
    const left = [...this.#feeds.keys()].filter(
      (rendition) => !wanted.some((one) => one.rendition === rendition),
    );
    for (const rendition of left) {
      for (const classFeed of this.#feeds.get(rendition)?.classes ?? []) {
        if (classFeed.parent !== undefined) {
          this.#change(classFeed.parent, rendition);
          this.#drop(now, classFeed);
        }
        this.#lacking--;
      }
      this.#feeds.delete(rendition);
      this.#leftAt.set(rendition, now);
    }
    for (const { rendition, sequence } of wanted) {
      if (this.#feeds.has(rendition)) continue;
      this.#feeds.set(rendition, new Feed(rendition, sequence));
      this.#lacking += CLASSES;
    }
    this.maintain(now);
    return left;
  }

  /** Whether this peer gets a class, and not from `asker`. */
  isSupplied(rendition: number, symbolClass: number, asker: Neighbour): boolean {
    const feed = this.#feeds.get(rendition)?.classes[symbolClass];
    return feed?.parent !== undefined && feed.isServed && feed.parent !== asker;
  }

  /** Who pushes a symbol of a block, if anyone. */
  parentOf(block: Block, esi: number): Neighbour | undefined {
    return this.#feedOf(block, esi)?.parent;
  }

  /** Notes that a symbol, or for ESI -1 a manifest, came from `neighbour`. */
  arrived(now: InstantMs, neighbour: Neighbour, block: Block, esi: number): void {
    const feed = this.#feedOf(block, esi);
    if (feed === undefined || feed.parent !== neighbour) return;
    this.#serve(now, feed);
    feed.arrived(now, now - block.releasedAt);
  }

  /** Notes that there is a new block. */
  released({ id, manifest }: Block): void {
    const feed = this.#feeds.get(id.rendition);
    if (feed !== undefined) feed.blockMs = manifest.durationMs;
  }

  /** Notes that a block is complete. */
  completed(now: InstantMs, { id, releasedAt }: Block): void {
    this.#feeds.get(id.rendition)?.completed(now - releasedAt);
  }

  /** When a symbol that its parent should push counts as late. */
  dueAt(block: Block, esi: number): InstantMs {
    const feed = this.#feedOf(block, esi);
    if (feed?.parent === undefined) return block.releasedAt;
    const { slackMs } = this.#state.tuning;
    const spareMs = Math.min(SLACKS_MAX * slackMs, Math.max(slackMs, 3 * feed.deviationMs));
    return after(block.releasedAt, Math.min(feed.lagMs, this.#contentMs()) + spareMs);
  }

  /** Notes that a symbol is late; a parent that is late again and again is left. */
  missed(now: InstantMs, block: Block, esi: number): void {
    const feed = this.#feedOf(block, esi);
    if (feed?.parent === undefined) return;
    // What it got before it was asked, a parent does not push; before it has brought one, that is likely.
    if (block.releasedAt < (feed.isProven ? feed.since : feed.servedAt)) return;
    const { parent } = feed;
    if (now - parent.heardAt > PARENT_SILENCE_MAX_MS) {
      this.#leaveSilent(now, parent);
      return;
    }
    feed.misses++;
    const isTried = feed.isProven || parent.isSeed;
    if (isTried && feed.misses < MISSES_MAX) return;
    // Who said that it pushes and never did is known by that.
    if (feed.isServed && !isTried) parent.score.failed(now);
    this.#leave(now, feed, block.id.rendition);
    feed.isDry = true;
  }

  /** A neighbour tells which classes it pushes. */
  answered(
    now: InstantMs,
    neighbour: Neighbour,
    { rendition, classes, spare }: Extract<Message, { type: "serve" }>,
  ): void {
    neighbour.status = { ...neighbour.status, spare };
    const feed = this.#feeds.get(rendition);
    if (feed === undefined) return;
    const asked = neighbour.wanted.get(rendition) ?? 0;
    for (const [symbolClass, classFeed] of feed.classes.entries()) {
      if (classFeed.parent !== neighbour || !isIn(asked, symbolClass)) continue;
      if (isIn(classes, symbolClass)) this.#serve(now, classFeed);
      else {
        if (spare === 0) neighbour.askAgainAt.fill(after(now, ASK_AGAIN_AFTER_MS));
        else neighbour.askAgainAt[symbolClass] = after(now, ASK_AGAIN_AFTER_MS);
        this.#drop(now, classFeed);
        this.#change(neighbour, rendition);
      }
    }
  }

  /** Forgets a neighbour that is gone. */
  lost(now: InstantMs, neighbour: Neighbour): void {
    this.#changed.delete(neighbour);
    for (const feed of this.#feeds.values()) {
      for (const classFeed of feed.classes)
        if (classFeed.parent === neighbour) this.#drop(now, classFeed);
    }
  }

  /** Classes that are pushed to this peer. */
  get served(): number {
    return this.#served;
  }

  /** Classes that nobody pushes. */
  get lacking(): number {
    return this.#lacking;
  }

  /** Finds parents for the classes that have none, now and then a better one, and asks them. */
  maintain(now: InstantMs): void {
    if (this.#state.options.role === "seed") return; // It has all there is.
    const isToImprove = now - this.#improvedAt >= IMPROVE_EVERY_MS;
    if (isToImprove) this.#improvedAt = now;
    for (const feed of this.#feeds.values()) {
      if (this.#isBlind(now, feed)) this.#leave(now, manifestsOf(feed), feed.rendition);
    }
    const areAllServed = this.#served === CLASSES * this.#feeds.size;
    for (const feed of this.#feeds.values()) {
      for (let symbolClass = 0; symbolClass < CLASSES && !areAllServed; symbolClass++) {
        this.#maintain(now, feed, symbolClass);
      }
      if (isToImprove) this.#improve(now, feed, this.#state.options.random.below(CLASSES));
    }
    for (const [neighbour, renditions] of this.#changed) {
      for (const rendition of renditions) this.#ask(neighbour, rendition);
    }
    this.#changed.clear();
  }

  #feedOf(block: Block, esi: number): ClassFeed | undefined {
    const symbolClass = esi < 0 ? MANIFEST_CLASS : block.classOf(esi);
    if (symbolClass < 0) return undefined;
    return this.#feeds.get(block.id.rendition)?.classes[symbolClass];
  }

  #maintain(now: InstantMs, feed: Feed, symbolClass: number): void {
    const classFeed = feed.classes[symbolClass] as ClassFeed;
    const { parent, isServed, since } = classFeed;
    if (parent !== undefined && !isServed) {
      const isInVain = now - since > SERVE_TIMEOUT_MS || parent.isQuiet(now);
      if (isInVain) this.#leave(now, classFeed, feed.rendition);
    }
    if (classFeed.parent !== undefined) return;
    const best = this.#best(now, feed, symbolClass);
    if (best !== undefined) this.#choose(now, feed, symbolClass, best.neighbour);
  }

  /** Whether no manifest has come for so long that there must be a block of which nothing is known. */
  #isBlind(now: InstantMs, feed: Feed): boolean {
    const { parent, broughtAt, lagMs } = manifestsOf(feed);
    if (parent === undefined || feed.blockMs === 0) return false;
    return now - broughtAt > 2 * feed.blockMs + lagMs + this.#state.tuning.slackMs;
  }

  /** Changes to a parent that is much better. */
  #improve(now: InstantMs, feed: Feed, symbolClass: number): void {
    const classFeed = feed.classes[symbolClass] as ClassFeed;
    const { parent, lagMs } = classFeed;
    if (parent === undefined || !classFeed.isServed) return;
    // Perhaps nobody else gets it from the seed, which spreads its classes itself.
    if (parent.isSeed) return;
    const isStrong = this.#parts.copies() >= STRONG_COPIES;
    // Places near the source are for those who feed many: others are content with what is soon enough.
    if (!isStrong && lagMs < this.#contentMs()) return;
    const best = this.#best(now, feed, symbolClass);
    if (best === undefined || best.neighbour === parent) return;
    const isDry =
      best.neighbour.isSeed && lagMs > DRY_SHARE * this.#state.options.limits.maxDelayMs;
    if (best.neighbour.status.spare === 0 && !isStrong && !isDry) return;
    const cost = lagMs + spreadMs(feed, parent, classFeed);
    if (cost - best.cost < Math.max(GAIN_MIN_MS, GAIN_MIN_SHARE * cost)) return;
    this.#change(parent, feed.rendition);
    this.#choose(now, feed, symbolClass, best.neighbour);
  }

  #choose(now: InstantMs, feed: Feed, symbolClass: number, neighbour: Neighbour): void {
    const lagMs = neighbour.lagMs(feed.rendition, symbolClass) + hopMs(neighbour);
    const classFeed = feed.classes[symbolClass] as ClassFeed;
    if (classFeed.parent === undefined) this.#lacking--;
    if (classFeed.isServed) this.#served--;
    classFeed.choose(now, neighbour, lagMs);
    this.changes++;
    const { status } = neighbour;
    neighbour.status = { ...status, spare: Math.max(0, status.spare - 1) };
    this.#change(neighbour, feed.rendition);
  }

  /** The neighbour that would be the best parent, and its cost in milliseconds. */
  #best(
    now: InstantMs,
    feed: Feed,
    symbolClass: number,
  ): { readonly neighbour: Neighbour; readonly cost: number } | undefined {
    const classFeed = feed.classes[symbolClass] as ClassFeed;
    let best: { neighbour: Neighbour; cost: number } | undefined;
    for (const neighbour of this.#state.ready) {
      const lagMs = neighbour.lagMs(feed.rendition, symbolClass);
      if (neighbour !== classFeed.parent && !classFeed.isFeasible(now, lagMs)) continue;
      if (!mayAsk(now, neighbour, feed.rendition, symbolClass)) continue;
      const isFree = symbolClass === MANIFEST_CLASS || neighbour.status.spare > 0;
      const refusalMs = isFree ? 0 : this.#refusalMs();
      if (!Number.isFinite(refusalMs)) continue;
      const doubtMs = doubtMsOf(now, feed, neighbour, symbolClass);
      const cost =
        lagMs + hopMs(neighbour) + spreadMs(feed, neighbour, classFeed) + refusalMs + doubtMs;
      if (best === undefined || cost < best.cost) best = { neighbour, cost };
    }
    return best;
  }

  /** The lag with which a peer is content. */
  #contentMs(): number {
    return CONTENT_SHARE * this.#state.options.limits.maxDelayMs;
  }

  /** What a neighbour without a spare class costs: the stronger this peer, the likelier it gets one. */
  #refusalMs(): number {
    const copies = this.#parts.copies();
    if (copies < 1) return Number.POSITIVE_INFINITY;
    return NO_SPARE_MS * (1 - Math.min(1, copies / STRONG_COPIES));
  }

  #leave(now: InstantMs, classFeed: ClassFeed, rendition: number): void {
    const { parent } = classFeed;
    if (parent === undefined) return;
    const feed = this.#feeds.get(rendition);
    const symbolClass = feed?.classes.indexOf(classFeed) ?? 0;
    parent.askAgainAt[symbolClass] = after(now, ASK_AGAIN_AFTER_MS);
    // Who never gives is tried again ever more seldom.
    const failures = Math.min(FAILURES_MAX, -parent.score.own(now));
    if (failures > 0) parent.askAgainAt.fill(after(now, ASK_AGAIN_AFTER_MS * 2 ** failures));
    this.#drop(now, classFeed);
    this.#change(parent, rendition);
  }

  /** Leaves a parent that seems to be gone. */
  #leaveSilent(now: InstantMs, parent: Neighbour): void {
    this.#parts.liveness.doubt(now);
    for (const { rendition, classes } of this.#feeds.values()) {
      for (const classFeed of classes) {
        if (classFeed.parent !== parent) continue;
        this.#leave(now, classFeed, rendition);
        classFeed.isDry = true;
      }
    }
  }

  #drop(now: InstantMs, classFeed: ClassFeed): void {
    if (classFeed.isServed) this.#served--;
    this.#lacking++;
    classFeed.drop(now);
    this.changes++;
  }

  #serve(now: InstantMs, classFeed: ClassFeed): void {
    if (classFeed.isServed) return;
    classFeed.serve(now);
    this.#served++;
  }

  #change(neighbour: Neighbour, rendition: number): void {
    const renditions = this.#changed.get(neighbour);
    if (renditions === undefined) this.#changed.set(neighbour, new Set([rendition]));
    else renditions.add(rendition);
  }

  #ask(neighbour: Neighbour, rendition: number): void {
    let classes: ClassSet = 0;
    for (const [symbolClass, { parent }] of (this.#feeds.get(rendition)?.classes ?? []).entries()) {
      if (parent === neighbour) classes |= 1 << symbolClass;
    }
    if (neighbour.wanted.get(rendition) === classes) return;
    neighbour.wanted.set(rendition, classes);
    this.#state.send(neighbour, { type: "subscribe", rendition, classes });
  }
}

function manifestsOf({ classes }: Feed): ClassFeed {
  return classes[MANIFEST_CLASS] as ClassFeed;
}

/** Whether a neighbour may be asked for a class: it did not refuse just now, nor get it from here. */
function mayAsk(
  now: InstantMs,
  neighbour: Neighbour,
  rendition: number,
  symbolClass: number,
): boolean {
  const { askAgainAt, granted, score } = neighbour;
  if (neighbour.isQuiet(now) || neighbour.owesPong) return false;
  if (now < (askAgainAt[symbolClass] ?? 0) || score.isDistrusted(now)) return false;
  return !isIn(granted.get(rendition) ?? 0, symbolClass);
}

function spreadMs(feed: Feed, neighbour: Neighbour, { isDry }: ClassFeed): number {
  if (neighbour.isSeed && isDry) return 0;
  const count = feed.countOf(neighbour);
  return count * (neighbour.isSeed ? SEED_SPREAD_MS : SPREAD_MS);
}

/** One that has given nothing yet is tried with one class before it gets more; one that failed comes late. */
function doubtMsOf(now: InstantMs, feed: Feed, neighbour: Neighbour, symbolClass: number): number {
  if (neighbour.isProven(now)) return 0;
  const failedMs = neighbour.score.isDoubted(now) ? FAILED_MS : 0;
  const untried = feed.countOf(neighbour) + (symbolClass === MANIFEST_CLASS ? 1 : 0);
  return failedMs + DOUBT_MS * untried;
}

/** What one hop from a neighbour adds. */
function hopMs({ rttMs }: Neighbour): number {
  return rttMs / 2 + FIRST_HOP_MS;
}
