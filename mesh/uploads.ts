import {
  after,
  type BlockId,
  blockKey,
  type InstantMs,
  MESSAGE_BYTES_MAX,
  type Message,
  TokenBucket,
} from "../core/index.ts";
import { CHANNEL_QUEUE_BYTES_MAX, UPLOAD_QUEUE_MAX } from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour, Upload } from "./neighbour.ts";

/** How much of its rate a budget may save up, in seconds. */
const BURST_S = 0.5;
/** What a symbol message has around its symbol, at the most. */
const OVERHEAD_BYTES = 16;

/** A budget whose burst always lets a whole symbol message through. */
export function uploadBudget(now: InstantMs, bytesPerS: number): TokenBucket {
  return new TokenBucket(now, {
    burst: Math.max(bytesPerS * BURST_S, MESSAGE_BYTES_MAX),
    perSecond: bytesPerS,
  });
}

/** Serves the symbols that neighbours ask for, within the budgets and the queues of the channels. */
export class Uploads {
  readonly #state: MeshState;
  #isWaitingForBudgetUntil: InstantMs | undefined;

  constructor(state: MeshState) {
    this.#state = state;
  }

  /** Queues what a neighbour asks for; what this peer lacks or has no room for is passed over. */
  request(
    now: InstantMs,
    neighbour: Neighbour,
    { block, withinMs, esis }: Extract<Message, { type: "request" }>,
  ): void {
    const key = blockKey(block);
    const symbols = this.#state.cache.get(key)?.symbols;
    if (symbols === undefined) return;
    for (const esi of esis) {
      if (neighbour.uploads.length >= UPLOAD_QUEUE_MAX) return;
      if (!symbols.has(esi) || isQueued(neighbour.uploads, key, esi)) continue;
      neighbour.uploads.push({ key, block, esi, expiresAt: after(now, withinMs) });
    }
  }

  cancel(neighbour: Neighbour, block: BlockId, esis: readonly number[]): void {
    const key = blockKey(block);
    const cancelled = new Set(esis);
    neighbour.uploads = neighbour.uploads.filter(
      (upload) => upload.key !== key || !cancelled.has(upload.esi),
    );
  }

  /** Transmits one symbol to each neighbour in turn until the budgets, channels or queues are at an end. */
  pump(now: InstantMs): void {
    this.#isWaitingForBudgetUntil = undefined;
    let waiting = this.#state.ready().filter(({ uploads }) => uploads.length > 0);
    while (waiting.length > 0)
      waiting = waiting.filter((neighbour) => this.#sendOne(now, neighbour));
  }

  /** When a budget will have room for the next symbol, if one waits for that. */
  nextTimeout(): InstantMs | undefined {
    return this.#isWaitingForBudgetUntil;
  }

  /** Sends the neighbour's next symbol. Gives whether it may have another. */
  #sendOne(now: InstantMs, neighbour: Neighbour): boolean {
    const [upload] = neighbour.uploads;
    if (upload === undefined) return false;
    const bytes = this.#symbolOf(now, upload);
    if (bytes === undefined) {
      neighbour.uploads.shift();
      return true;
    }
    const cost = bytes.length + OVERHEAD_BYTES;
    if (neighbour.bufferedBytes + cost > CHANNEL_QUEUE_BYTES_MAX) return false;
    if (!this.#pay(now, neighbour, cost)) return false;
    neighbour.uploads.shift();
    this.#state.send(neighbour, { type: "symbol", block: upload.block, esi: upload.esi, bytes });
    this.#state.stats.uploadedBytes += bytes.length;
    return true;
  }

  #symbolOf(now: InstantMs, { key, esi, expiresAt }: Upload): Uint8Array | undefined {
    if (now > expiresAt) return undefined;
    return this.#state.cache.get(key)?.symbols.symbol(esi);
  }

  #pay(now: InstantMs, neighbour: Neighbour, cost: number): boolean {
    const readyAt = Math.max(
      this.#state.options.uploads.readyAt(now, cost),
      neighbour.uploadBudget.readyAt(now, cost),
    ) as InstantMs;
    if (readyAt > now) {
      const known = this.#isWaitingForBudgetUntil;
      this.#isWaitingForBudgetUntil = known === undefined || readyAt < known ? readyAt : known;
      return false;
    }
    return this.#state.options.uploads.take(now, cost) && neighbour.uploadBudget.take(now, cost);
  }
}

function isQueued(uploads: readonly Upload[], key: string, esi: number): boolean {
  return uploads.some((upload) => upload.esi === esi && upload.key === key);
}
