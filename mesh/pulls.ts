import {
  after,
  type InstantMs,
  instantMs,
  type Message,
  symbolLength,
  WHOLE_BLOCK,
} from "../core/index.ts";
import type { Block } from "./block.ts";
import type { SymbolDecoder } from "./block-port.ts";
import {
  IDLE_SEED_PULL_AFTER_MS,
  PULL_TIMEOUT_MAX_MS,
  PULL_TIMEOUT_MIN_MS,
  REQUEST_ESIS_MAX,
  REQUESTED_BYTES_MAX,
  SEED_PULL_AFTER_MS,
} from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour, Pull } from "./neighbour.ts";
import type { Subscriptions } from "./subscriptions.ts";

const NEVER = instantMs(Number.POSITIVE_INFINITY);
/** What a neighbour is thought to send at the least, bytes a second. */
const RATE_MIN = 10_000;
const RATE_GAIN = 0.25;
/** Symbols that may be on the way from a neighbour of unknown rate. */
const OPEN_BYTES_MIN = 65_536;
/** A pull may fill a neighbour's line for this long beyond a round trip. */
const OPEN_MS = 300;
/** When no more symbols than this are lacking near the deadline, each is asked for twice. */
const HEDGED_MAX = 2;
/** Neighbours that pull at the same time from one that has room. */
const ROOM_SHARED_BY = 4;
/** A neighbour that is busy is not asked for anything for so long. */
const BUSY_MS = 400;
/** Who tells so much room and is busy lies, or has bad luck. */
const AMPLE_KBPS = 1000;
/** Who gets classes and gave nothing is asked for a symbol this often. */
const TEST_EVERY_MS = 4000;
/** A neighbour has a symbol this long after it usually gets the class. */
const LIKELY_AFTER_MS = 100;
/** A seed or a neighbour that let us down is asked when nobody else can help sooner. */
const SEED_COST_MS = 500;
const DOUBT_COST_MS = 1000;
/** Who was silent for longer may be gone: each millisecond more counts as one of waiting. */
const SILENCE_FREE_MS = 200;

/**
 * Asks neighbours for what does not come by itself: symbols that are late or that nobody pushes. Any K
 * of N end a block, so no more are asked for than the block lacks; only near the deadline are more.
 */
export class Pulls {
  readonly #state: MeshState;
  readonly #subscriptions: Subscriptions;
  /** No pull lapses before. */
  #expiresAt: InstantMs = NEVER;

  constructor(state: MeshState, subscriptions: Subscriptions) {
    this.#state = state;
    this.#subscriptions = subscriptions;
  }

  /** Asks for what a block lacks, beyond what is on the way, unless nothing has changed since it did. */
  look(now: InstantMs, block: Block): void {
    const { changes } = this.#subscriptions;
    if (now < block.lookAt && block.lookedAtChanges === changes) return;
    block.lookedAtChanges = changes;
    this.run(now, block);
  }

  /** Asks for what a block lacks, beyond what is on the way. */
  run(now: InstantMs, block: Block): void {
    const { decoder } = block;
    if (decoder === undefined) return;
    // From then on the last symbols are asked for twice.
    const urgentAt = instantMs(block.deadline - this.#state.tuning.urgentMs);
    block.lookAt = urgentAt > now ? urgentAt : now;
    const late = this.#late(now, block, decoder);
    let onTheWay = block.k - late.length;
    for (let esi = block.k; esi < block.n; esi++) {
      if (!decoder.has(esi) && block.asked[esi] !== 0) onTheWay++;
    }
    for (let esi = 0; esi < block.k; esi++) if (decoder.has(esi)) onTheWay--;
    const lacking = decoder.needed - onTheWay;
    if (lacking > 0) this.#ask(now, block, late, lacking);
  }

  /** Notes that a symbol came that was asked for, and asks for more when the line runs dry. */
  arrived(now: InstantMs, neighbour: Neighbour, pull: Pull): void {
    const tookMs = Math.max(1, now - pull.askedAt - neighbour.rttMs);
    const rate = ((pull.bytes + neighbour.pulledBytes) / tookMs) * 1000;
    neighbour.pullRate += RATE_GAIN * (rate - neighbour.pullRate);
    if (2 * neighbour.pulledBytes < openBytesOf(now, neighbour)) this.run(now, pull.block);
  }

  /** A neighbour will not send these symbols: others are asked. */
  declined(
    now: InstantMs,
    neighbour: Neighbour,
    { block: id, isBusy, esis }: Extract<Message, { type: "decline" }>,
  ): void {
    const block = this.#state.cache.get(id);
    if (block === undefined) return;
    for (const esi of esis) neighbour.takePull(block, esi);
    if (isBusy) {
      block.declinedBy(neighbour);
      neighbour.busyUntil = after(now, BUSY_MS);
      // Who tells much room, is busy each time and gave nothing yet may have none.
      if (!neighbour.isProven(now)) {
        neighbour.score.refused(now, Math.min(1, neighbour.status.roomKbps / AMPLE_KBPS));
      }
    } else {
      block.lackedBy(neighbour, esis);
      // It is asked for one symbol at a time: that would be many questions for what it has none of.
      if (neighbour.score.isDoubted(now)) block.declinedBy(neighbour);
      const ageMs = now - block.releasedAt - neighbour.rttMs / 2;
      for (const esi of esis) {
        const lag = esi < block.k ? block.classOf(esi) : WHOLE_BLOCK;
        neighbour.lacks(id.rendition, lag, ageMs);
      }
    }
    this.run(now, block);
  }

  /** Takes back what did not come in time, so that it can be asked of another. */
  expire(now: InstantMs): void {
    if (now < this.#expiresAt) return;
    this.#expiresAt = NEVER;
    for (const neighbour of this.#state.ready) {
      this.#takeBack(now, neighbour, ({ expiresAt }) => expiresAt <= now);
      for (const { expiresAt } of neighbour.pulls) {
        if (expiresAt < this.#expiresAt) this.#expiresAt = expiresAt;
      }
    }
  }

  /**
   * Asks those that get classes because of what they say they can pass on, and have given nothing, for
   * one symbol now and then: who takes and never gives is known by that.
   */
  test(now: InstantMs): void {
    if (this.#state.options.role === "seed") return; // Viewers tell it who gives.
    for (const neighbour of this.#state.ready) {
      if (!isToTest(now, neighbour)) continue;
      const isGood = (block: Block): boolean =>
        !block.isWanted && isLikely(now, neighbour, block, 0);
      const block = this.#state.cache.newestFirst().find(isGood);
      if (block === undefined) continue;
      neighbour.testedAt = now;
      this.#note(now, neighbour, block, 0);
      this.#request(neighbour, block, [0], PULL_TIMEOUT_MAX_MS);
    }
  }

  /** Takes back what was asked of neighbours that may have vanished. */
  release(now: InstantMs): void {
    for (const neighbour of this.#state.ready) {
      if (neighbour.pulls.length > 0 && neighbour.isQuiet(now))
        this.#takeBack(now, neighbour, () => true);
    }
  }

  #takeBack(now: InstantMs, neighbour: Neighbour, isLapsed: (pull: Pull) => boolean): void {
    for (const { block, esi } of neighbour.takePullsIf(isLapsed)) {
      block.lapsed[esi] = 1;
      neighbour.score.lapsed(now);
      neighbour.pullRate = Math.max(RATE_MIN, neighbour.pullRate / 2);
      block.declinedBy(neighbour);
      this.#state.send(neighbour, { type: "cancel", block: block.id, esis: [esi] });
    }
  }

  /** Takes back all that was asked for a block that is complete. */
  cancel(block: Block): void {
    if (!block.isAsked) return;
    for (const neighbour of this.#state.ready) {
      const esis = neighbour.takePulls(block);
      if (esis.length > 0) this.#state.send(neighbour, { type: "cancel", block: block.id, esis });
    }
  }

  /** Takes back what was asked of others for a symbol that has come. */
  came(block: Block, esi: number): void {
    if (block.asked[esi] === 0) return;
    for (const neighbour of this.#state.ready) {
      if (neighbour.takePull(block, esi) === undefined) continue;
      this.#state.send(neighbour, { type: "cancel", block: block.id, esis: [esi] });
    }
  }

  /** Forgets a neighbour that is gone. */
  lost(neighbour: Neighbour): void {
    neighbour.takePullsIf(() => true);
  }

  /** The source symbols that are late; near the deadline the last few are asked for twice. */
  #late(now: InstantMs, block: Block, decoder: SymbolDecoder): number[] {
    const isUrgent = block.deadline - now < this.#state.tuning.urgentMs;
    const openMax = isUrgent && decoder.needed <= HEDGED_MAX ? 2 : 1;
    const late: number[] = [];
    for (let esi = 0; esi < block.k; esi++) {
      if (decoder.has(esi) || (block.asked[esi] ?? 0) >= openMax) continue;
      if (this.#isLate(now, block, esi)) late.push(esi);
    }
    return late;
  }

  #isLate(now: InstantMs, block: Block, esi: number): boolean {
    if (block.overdue[esi] === 1) return true;
    const dueAt = this.#subscriptions.dueAt(block, esi);
    if (now < dueAt) {
      if (dueAt < block.lookAt) block.lookAt = dueAt;
      return false;
    }
    block.overdue[esi] = 1;
    const parent = this.#subscriptions.parentOf(block, esi);
    if (parent !== undefined) block.declinedBy(parent);
    this.#subscriptions.missed(now, block, esi);
    return true;
  }

  /** Asks for `lacking` symbols: those that are late, then repair symbols, then again what lapsed. */
  #ask(now: InstantMs, block: Block, late: readonly number[], lacking: number): void {
    const plan = new Map<Neighbour, number[]>();
    const open = this.#state.ready.filter((neighbour) => this.#isOpen(now, neighbour, block));
    let left = open.length === 0 ? 0 : lacking;
    for (const esi of inOrder(block, late)) {
      if (left === 0) break;
      const neighbour = holderOf(now, open, block, esi);
      if (neighbour === undefined) continue;
      this.#note(now, neighbour, block, esi);
      const planned = plan.get(neighbour);
      if (planned === undefined) plan.set(neighbour, [esi]);
      else planned.push(esi);
      left--;
    }
    if (left > 0 || open.length === 0) block.forgive(now);
    const withinMs = Math.max(1, Math.round(Math.min(block.deadline - now, 60_000)));
    for (const [neighbour, esis] of plan) this.#request(neighbour, block, esis, withinMs);
  }

  #request(neighbour: Neighbour, block: Block, all: readonly number[], withinMs: number): void {
    for (let at = 0; at < all.length; at += REQUEST_ESIS_MAX) {
      const esis = all.slice(at, at + REQUEST_ESIS_MAX);
      this.#state.send(neighbour, { type: "request", block: block.id, withinMs, esis });
    }
  }

  /** Whether a neighbour may be asked for symbols of a block now. */
  #isOpen(now: InstantMs, neighbour: Neighbour, block: Block): boolean {
    if (neighbour.isQuiet(now) || now < neighbour.busyUntil) return false;
    if (neighbour.status.roomKbps === 0 || block.hasDeclined(neighbour)) return false;
    return !neighbour.isSeed || this.#isSeedWanted(now, neighbour, block);
  }

  /** Whether a seed is to be asked: viewers had their time to bring a symbol, or cannot. */
  #isSeedWanted(now: InstantMs, { status }: Neighbour, block: Block): boolean {
    const afterMs = status.spare > 0 ? IDLE_SEED_PULL_AFTER_MS : SEED_PULL_AFTER_MS;
    const isUrgent = block.deadline - now < this.#state.tuning.urgentMs;
    return isUrgent || now - block.releasedAt > afterMs || !this.#state.hasViewer;
  }

  #note(now: InstantMs, neighbour: Neighbour, block: Block, esi: number): void {
    const { fec, byteLength } = block.manifest;
    const bytes = symbolLength(fec, byteLength, esi);
    const expectedMs = 2 * (neighbour.rttMs + waitMs(neighbour, bytes)) + PULL_TIMEOUT_MIN_MS;
    const expiresAt = after(now, Math.min(PULL_TIMEOUT_MAX_MS, expectedMs));
    if (expiresAt < this.#expiresAt) this.#expiresAt = expiresAt;
    neighbour.addPull({ block, esi, bytes, askedAt: now, expiresAt });
  }
}

/** Of those that may be asked, the neighbour that has the symbol and would bring it soonest. */
function holderOf(
  now: InstantMs,
  open: readonly Neighbour[],
  block: Block,
  esi: number,
): Neighbour | undefined {
  const { fec, byteLength } = block.manifest;
  const bytes = symbolLength(fec, byteLength, esi);
  let best: Neighbour | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const neighbour of open) {
    if (neighbour.pulledBytes + bytes > openBytesOf(now, neighbour)) continue;
    if (neighbour.isAsked(block, esi) || block.isLackedBy(neighbour, esi)) continue;
    if (!neighbour.isSeed && !isLikely(now, neighbour, block, esi)) continue;
    const cost =
      neighbour.rttMs +
      waitMs(neighbour, bytes) +
      Math.max(0, now - neighbour.heardAt - SILENCE_FREE_MS) +
      (neighbour.isSeed ? SEED_COST_MS : 0) +
      (neighbour.score.isDoubted(now) ? DOUBT_COST_MS : 0);
    if (cost < bestCost) {
      best = neighbour;
      bestCost = cost;
    }
  }
  return best;
}

/** Whether a neighbour is to show that it gives: it gets classes, says that it has room, and gave nothing yet. */
function isToTest(now: InstantMs, neighbour: Neighbour): boolean {
  const { granted, pulls, score, status, testedAt } = neighbour;
  if (neighbour.isProven(now) || score.isDoubted(now) || status.roomKbps === 0) return false;
  if (now - testedAt < TEST_EVERY_MS || pulls.length > 0) return false;
  return [...granted.values()].some((classes) => classes !== 0);
}

/** Whether a neighbour has a symbol, or gets its class or whole blocks so early that it should by now. */
function isLikely(now: InstantMs, neighbour: Neighbour, block: Block, esi: number): boolean {
  if (block.isHeldBy(neighbour, esi)) return true;
  const { rendition } = block.id;
  const ofBlockMs = neighbour.lagMs(rendition, WHOLE_BLOCK);
  const lagMs = esi < block.k ? neighbour.lagMs(rendition, block.classOf(esi)) : ofBlockMs;
  const ageMs = now - block.releasedAt - neighbour.rttMs / 2 - LIKELY_AFTER_MS;
  return ageMs > Math.min(lagMs, ofBlockMs);
}

/** Which symbols to ask for first. */
function inOrder(block: Block, late: readonly number[]): number[] {
  const repair: number[] = [];
  for (let esi = block.k; esi < block.n; esi++) {
    if (block.asked[esi] === 0 && block.decoder?.has(esi) === false) repair.push(esi);
  }
  const all = [...late, ...repair];
  const isFresh = (esi: number): boolean => block.lapsed[esi] === 0;
  return [...all.filter(isFresh), ...all.filter((esi) => !isFresh(esi))];
}

/** How long a symbol would take after a round trip: what the neighbour has room for is shared. */
function waitMs({ pulledBytes, pullRate, status }: Neighbour, bytes: number): number {
  const room = Math.max(RATE_MIN, (status.roomKbps * 125) / ROOM_SHARED_BY);
  return ((pulledBytes + bytes) / Math.min(pullRate, room)) * 1000;
}

/** What may be on the way from a neighbour: its rate over a round trip and a little more. */
function openBytesOf(now: InstantMs, { pulledBytes, pullRate, rttMs, score }: Neighbour): number {
  if (pulledBytes > 0 && score.isDoubted(now)) return 0; // One at a time.
  const atRate = (pullRate * (rttMs + OPEN_MS)) / 1000;
  return Math.min(REQUESTED_BYTES_MAX, Math.max(OPEN_BYTES_MIN, atRate));
}
