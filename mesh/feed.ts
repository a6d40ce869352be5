import {
  CLASSES,
  type InstantMs,
  instantMs,
  LAG_STEP_MS,
  LAG_UNKNOWN,
  LAGS,
  MANIFEST_CLASS,
  WHOLE_BLOCK,
} from "../core/index.ts";
import type { Neighbour } from "./neighbour.ts";

/** How much a new arrival counts in the mean lag, and in its mean deviation (RFC 6298 section 2). */
const LAG_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
/** In this time the first block should come. */
const FIRST_BLOCK_MS = 2000;
/** How long after its loss a parent's lag still bars peers that are further from the origin. */
const FEASIBLE_FOR_MS = 1500;

/** How one class of a rendition comes to this peer. */
export class ClassFeed {
  /** Who pushes it, or was asked to and has not answered yet. */
  parent: Neighbour | undefined;
  /** Whether the parent has said that it pushes. */
  isServed = false;
  since: InstantMs = instantMs(0);
  /** When the parent said that it pushes; before that, when it was asked. */
  servedAt: InstantMs = instantMs(0);
  /** When the parent last brought something, or was chosen. */
  broughtAt: InstantMs = instantMs(0);
  /** Whether the parent has brought anything. */
  isProven = false;
  /** Symbols in a row that were late. */
  misses = 0;
  /** Mean time from release to arrival by push, and its mean deviation. */
  lagMs: number = Number.POSITIVE_INFINITY;
  deviationMs = 0;
  /** Whether its last parent was left because nothing came: what others tell of it may be old. */
  isDry = false;
  #lostAt: InstantMs = instantMs(Number.NEGATIVE_INFINITY);

  /** Asks `parent` for the class; it is expected to lag as `lagMs` says. */
  choose(now: InstantMs, parent: Neighbour, lagMs: number): void {
    this.parent = parent;
    this.isServed = false;
    this.since = now;
    this.servedAt = now;
    this.broughtAt = now;
    this.isProven = false;
    this.misses = 0;
    this.lagMs = lagMs;
    this.deviationMs = lagMs / 4;
  }

  /** Notes that the parent says that it pushes. */
  serve(now: InstantMs): void {
    this.isServed = true;
    this.servedAt = now;
  }

  /** Notes that the parent pushed a symbol `lagMs` after its release. */
  arrived(now: InstantMs, lagMs: number): void {
    this.isProven = true;
    this.broughtAt = now;
    this.misses = 0;
    this.isDry = false;
    const error = lagMs - this.lagMs;
    this.lagMs += LAG_GAIN * error;
    this.deviationMs += DEVIATION_GAIN * (Math.abs(error) - this.deviationMs);
  }

  /** Whether it can be relied on: the parent has brought some of it or, before, of something else. */
  isSure(now: InstantMs): boolean {
    return this.isServed && (this.isProven || this.parent?.isProven(now) === true);
  }

  /** Gives up the parent. */
  drop(now: InstantMs): void {
    this.parent = undefined;
    this.isServed = false;
    this.#lostAt = now;
  }

  /**
   * Whether a peer that lags so can be the parent: who lags more may get the class through this very
   * peer (the feasibility condition of distance-vector routing, as in RFC 8966 section 2.4).
   */
  isFeasible(now: InstantMs, lagMs: number): boolean {
    if (!Number.isFinite(lagMs)) return false;
    const isBarred = this.parent !== undefined || now - this.#lostAt < FEASIBLE_FOR_MS;
    return !isBarred || lagMs < this.lagMs;
  }
}

/** How one rendition comes to this peer. */
export class Feed {
  readonly rendition: number;
  /** Media segments before this one are not wanted. */
  readonly sequence: number;
  readonly classes: readonly ClassFeed[] = Array.from({ length: CLASSES }, () => new ClassFeed());

  /** How long the newest block lasts. */
  blockMs = 0;
  /** Mean time from release until a block is complete. */
  #blockLagMs = Number.POSITIVE_INFINITY;

  constructor(rendition: number, sequence = 0) {
    this.rendition = rendition;
    this.sequence = sequence;
  }

  /** Notes that a block was complete `lagMs` after its release. */
  completed(lagMs: number): void {
    if (Number.isFinite(this.#blockLagMs))
      this.#blockLagMs += LAG_GAIN * (lagMs - this.#blockLagMs);
    else this.#blockLagMs = lagMs;
  }

  /** The lags as a status tells them. */
  lags(now: InstantMs): Uint8Array {
    const lags = new Uint8Array(LAGS);
    for (const [symbolClass, classFeed] of this.classes.entries()) {
      // Who tells that it gets manifests is told of no block.
      const isTold =
        symbolClass === MANIFEST_CLASS ? this.#getsManifests(now) : classFeed.isSure(now);
      lags[symbolClass] = isTold ? lagSteps(classFeed.lagMs) : LAG_UNKNOWN;
    }
    lags[WHOLE_BLOCK] = lagSteps(this.#blockLagMs);
    return lags;
  }

  /** Whether manifests come from the parent, or it had no time to show it. */
  #getsManifests(now: InstantMs): boolean {
    const { isServed, isProven, servedAt } = this.classes[MANIFEST_CLASS] as ClassFeed;
    const isInGrace = this.blockMs === 0 && now - servedAt < FIRST_BLOCK_MS;
    return isServed && (isProven || isInGrace);
  }

  /** Classes that `neighbour` pushes or was asked to. */
  countOf(neighbour: Neighbour): number {
    let count = 0;
    for (const { parent } of this.classes) if (parent === neighbour) count++;
    return count;
  }
}

/** A lag as the wire tells it. */
export function lagSteps(lagMs: number): number {
  return Number.isFinite(lagMs)
    ? Math.min(LAG_UNKNOWN - 1, Math.round(lagMs / LAG_STEP_MS))
    : LAG_UNKNOWN;
}
