import {
  after,
  type BlockId,
  type InstantMs,
  MESSAGE_BYTES_MAX,
  type Message,
  type Rate,
  TokenBucket,
} from "../core/index.ts";
import type { Block } from "./block.ts";
import {
  CHANNEL_QUEUE_BYTES_MAX,
  PULL_SHARE_MIN,
  PULL_WAIT_MAX_MS,
  PUSH_EXPIRES_MS,
} from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";
import { Uplink } from "./uplink.ts";
import type { Upload } from "./upload-queue.ts";

/** One symbol of the usual size on the line and one behind it. */
const WINDOW_BYTES_MIN = 32_768;
const PATIENCE_WINDOWS = 4;
const PATIENCE_MS_MIN = 1000;
/** How much of its rate a budget may save up, in seconds. */
const BURST_S = 0.5;
/** What a symbol message has around its symbol, at the most. */
const OVERHEAD_BYTES = 16;
/** Those who gave less than they failed to give go last. */
const DOUBT_MS = 60_000;

/** A budget whose burst always lets a whole symbol message through. */
export function uploadBudget(now: InstantMs, bytesPerS: number): TokenBucket {
  return new TokenBucket(now, uploadRate(bytesPerS));
}

/** The rate of such a budget. */
export function uploadRate(bytesPerS: number): Rate {
  return { burst: Math.max(bytesPerS * BURST_S, MESSAGE_BYTES_MAX), perSecond: bytesPerS };
}

/** Sends the symbols that wait for neighbours, the most urgent first, as fast as the channels drain. */
export class Uploads {
  readonly uplink: Uplink;
  /** Tells how many bytes a second are promised as pushes. */
  pushBytesPerS: () => number = () => 0;
  readonly #state: MeshState;
  /** Neighbours for which something waits. */
  readonly #waiting = new Set<Neighbour>();
  #budgetAt: InstantMs | undefined;

  constructor(state: MeshState) {
    this.#state = state;
    this.uplink = new Uplink(state.options.uploads);
  }

  /**
   * Queues a symbol for a neighbour that subscribed to its class. The newest blocks go first: where the
   * uplink is too small, what is late already is lost, and not what comes after it as well. Who is
   * doubted gets what all others leave.
   */
  push(now: InstantMs, neighbour: Neighbour, block: Block, esi: number, penaltyMs: number): void {
    const rank = neighbour.score.isDoubted(now)
      ? block.releasedAt + DOUBT_MS
      : penaltyMs - block.releasedAt; // Below zero: before all pulls.
    const expiresAt = after(now, block.manifest.durationMs + PUSH_EXPIRES_MS);
    this.#add(neighbour, { block, esi, rank, queuedAt: now, expiresAt, isPush: true });
  }

  /**
   * Queues what a neighbour asks for, after all pushes and the oldest block first, and declines what
   * this peer lacks or cannot send soon: while what is promised goes out in time, less is pulled.
   */
  request(
    now: InstantMs,
    neighbour: Neighbour,
    { block: id, withinMs, esis }: Extract<Message, { type: "request" }>,
  ): void {
    const block = this.#state.cache.get(id);
    const doubtMs = neighbour.score.isDoubted(now) ? DOUBT_MS : 0;
    const rank = (block?.releasedAt ?? 0) + doubtMs;
    const waitMsMax = Math.min(withinMs, PULL_WAIT_MAX_MS);
    const isFull = neighbour.isStuck || this.#pullWaitMs(rank) > waitMsMax;
    const busy: number[] = [];
    const lacking: number[] = [];
    for (const esi of esis) {
      if (block?.has(esi) !== true) lacking.push(esi);
      else if (isFull) busy.push(esi);
      else {
        const expiresAt = after(now, withinMs);
        this.#add(neighbour, { block, esi, rank, queuedAt: now, expiresAt, isPush: false });
      }
    }
    if (busy.length > 0) this.#decline(neighbour, id, true, busy);
    if (lacking.length > 0) this.#decline(neighbour, id, false, lacking);
  }

  #decline(neighbour: Neighbour, block: BlockId, isBusy: boolean, esis: readonly number[]): void {
    this.#state.send(neighbour, { type: "decline", block, isBusy, esis });
  }

  cancel(neighbour: Neighbour, { block: id, esis }: Extract<Message, { type: "cancel" }>): void {
    const block = this.#state.cache.get(id);
    if (block === undefined) return;
    this.#remove(neighbour, (upload) => upload.block === block && esis.includes(upload.esi));
  }

  /** Takes back the pushes of a block that a neighbour has completed. */
  completed(neighbour: Neighbour, block: Block): void {
    if (neighbour.queue.length > 0) this.#remove(neighbour, (upload) => upload.block === block);
  }

  /** Forgets a neighbour that is gone. */
  lost(neighbour: Neighbour): void {
    this.#remove(neighbour, () => true);
  }

  /** How long pushes have waited beyond the time that their block lasts: what came after it waits too. */
  overdueMs(now: InstantMs): number {
    let overdueMs = 0;
    for (const { queue } of this.#waiting) {
      const { first } = queue;
      if (first === undefined || !isPromised(first)) continue;
      overdueMs = Math.max(overdueMs, now - first.queuedAt - first.block.manifest.durationMs);
    }
    return overdueMs;
  }

  /** Takes the driver's word for what waits in a neighbour's channel. */
  buffered(now: InstantMs, neighbour: Neighbour, bytes: number): void {
    const drained = this.#state.setBuffered(neighbour, bytes);
    if (drained > 0) this.uplink.drained(now, drained);
  }

  /** A channel of which nothing leaves for so long holds nobody else back: several times what all that may wait takes. */
  get patienceMs(): number {
    return PATIENCE_MS_MIN + (PATIENCE_WINDOWS * WINDOW_BYTES_MIN * 1000) / this.uplink.bytesPerS;
  }

  /** Transmits until the window, the budgets or the queues are at an end. */
  pump(now: InstantMs): void {
    this.#budgetAt = undefined;
    if (this.#waiting.size === 0) return;
    const atCapacity = (this.uplink.bytesPerS * this.#state.tuning.windowMs) / 1000;
    const windowBytes = Math.max(WINDOW_BYTES_MIN, atCapacity);
    while (this.#state.symbolBytesWaiting < windowBytes) {
      const neighbour = this.#mostUrgent(now);
      if (neighbour === undefined || !this.#sendFirst(now, neighbour)) return;
    }
  }

  /** When a budget will have room for the next symbol, if one waits for that. */
  nextTimeout(): InstantMs | undefined {
    return this.#budgetAt;
  }

  /** What pushes leave of the uplink for pulls, bytes a second. */
  roomBytesPerS(): number {
    const { bytesPerS } = this.uplink;
    return Math.max(bytesPerS * PULL_SHARE_MIN, bytesPerS - this.pushBytesPerS());
  }

  /** How long a pull of this rank would wait: what pushes leave of the uplink serves the pulls. */
  #pullWaitMs(rank: number): number {
    const room = this.roomBytesPerS();
    if (room === 0) return Number.POSITIVE_INFINITY;
    let bytes = 0;
    for (const { queue } of this.#waiting) {
      for (const upload of queue.values()) if (upload.rank <= rank) bytes += pulledBytesOf(upload);
    }
    return (bytes / room) * 1000;
  }

  #add(neighbour: Neighbour, upload: Upload): void {
    if (!neighbour.queue.add(upload)) return;
    this.#waiting.add(neighbour);
  }

  #remove(neighbour: Neighbour, isGone: (upload: Upload) => boolean): void {
    if (neighbour.queue.length === 0) return;
    neighbour.queue.removeWhere(isGone);
    if (neighbour.queue.length === 0) this.#waiting.delete(neighbour);
  }

  /** The neighbour whose first upload is the most urgent, once what is of no more use is dropped. */
  #mostUrgent(now: InstantMs): Neighbour | undefined {
    let best: Neighbour | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const neighbour of this.#waiting) {
      for (
        let first = neighbour.queue.first;
        first !== undefined && isUseless(now, neighbour, first);
        first = neighbour.queue.first
      ) {
        this.#takeFirst(neighbour);
      }
      const rank = neighbour.queue.first?.rank;
      if (rank === undefined || rank >= bestRank) continue;
      if (!this.#hasRoom(now, neighbour)) continue;
      best = neighbour;
      bestRank = rank;
    }
    return best;
  }

  #takeFirst(neighbour: Neighbour): void {
    neighbour.queue.takeFirst();
    if (neighbour.queue.length === 0) this.#waiting.delete(neighbour);
  }

  /** Sends what is first for a neighbour, if the budgets allow. */
  #sendFirst(now: InstantMs, neighbour: Neighbour): boolean {
    const { first } = neighbour.queue;
    const bytes = first?.block.symbol(first.esi);
    if (first === undefined || bytes === undefined) return false;
    if (!this.#pay(now, neighbour, bytes.length + OVERHEAD_BYTES)) return false;
    this.#takeFirst(neighbour);
    this.#state.send(neighbour, { type: "symbol", block: first.block.id, esi: first.esi, bytes });
    this.#state.stats.uploadedBytes += bytes.length;
    return true;
  }

  /** Whether a neighbour's channel and its own budget have room for what is first for it. */
  #hasRoom(now: InstantMs, neighbour: Neighbour): boolean {
    const { bufferedBytes, queue, uploadBudget: own, isStuck } = neighbour;
    if (isStuck) return false;
    const cost = (queue.first?.block.manifest.fec.symbolBytes ?? 0) + OVERHEAD_BYTES;
    if (bufferedBytes + cost > CHANNEL_QUEUE_BYTES_MAX) return false;
    return this.#isReady(now, own.readyAt(now, cost));
  }

  #pay(now: InstantMs, { uploadBudget: own }: Neighbour, cost: number): boolean {
    const { uploads: shared } = this.#state.options;
    if (!this.#isReady(now, shared.readyAt(now, cost))) return false;
    return shared.take(now, cost) && own.take(now, cost);
  }

  /** Whether a budget is ready, with a note of when it will be. */
  #isReady(now: InstantMs, readyAt: InstantMs): boolean {
    if (readyAt <= now) return true;
    if (this.#budgetAt === undefined || readyAt < this.#budgetAt) this.#budgetAt = readyAt;
    return false;
  }
}

function pulledBytesOf({ isPush, block }: Upload): number {
  return isPush ? 0 : block.manifest.fec.symbolBytes;
}

/** Whether it is a push of which a neighbour that is not doubted lives. */
function isPromised({ isPush, rank }: Upload): boolean {
  return isPush && rank < 0;
}

function isUseless(now: InstantMs, neighbour: Neighbour, upload: Upload): boolean {
  const { block, esi, expiresAt } = upload;
  return now > expiresAt || block.isHeldBy(neighbour, esi);
}
