import { assert, MESSAGE_BYTES_MAX, type Message } from "../../core/index.ts";
import { CHANNEL_QUEUE_BYTES_MAX } from "../../mesh/index.ts";
import type { Host } from "../host.ts";
import type { Links } from "../links.ts";

/** Seconds of its upload budget that a peer may save up (uploadBudget of mesh/). */
const BURST_S = 0.5;
/** Rounding of virtual times, in ms. */
const ROUNDING_MS = 0.001;
const ROUNDING_BYTES = 16;

interface Budget {
  /** What the peer may give, and what its uplink can send. */
  readonly bytesPerMs: number;
  readonly linkBytesPerMs: number;
  readonly burstBytes: number;
  leftBytes: number;
  filledAt: number;
  uplinkFreeAt: number;
}

/**
 * Honest peers send no more media than their upload budget lets them, the queue of a channel stays
 * bounded, and no uplink sends faster than it can. Each is worked out here a second time.
 */
export class Budgets {
  checked = 0;
  readonly #links: Links;
  /** By the number of the host; attackers and those who left have none. */
  readonly #budgets: (Budget | undefined)[] = [];

  constructor(links: Links) {
    this.#links = links;
  }

  joined(host: Host, now: number): void {
    if (host.isAttacker) return;
    const bytesPerMs = host.traits.uplinkBps / 8000;
    const burstBytes = Math.max(bytesPerMs * 1000 * BURST_S, MESSAGE_BYTES_MAX);
    this.#budgets[host.index] = {
      bytesPerMs,
      linkBytesPerMs: host.traits.linkBps / 8000,
      burstBytes,
      leftBytes: burstBytes,
      filledAt: now,
      uplinkFreeAt: now,
    };
  }

  left(host: Host): void {
    this.#budgets[host.index] = undefined;
  }

  sent(
    host: Host,
    direction: number,
    message: Message,
    { wireBytes, resentBytes, departAt, now }: SentBytes,
  ): void {
    const budget = this.#budgets[host.index];
    if (budget === undefined) return;
    this.checked++;
    assert(
      this.#links.queuedBytes(direction) <= CHANNEL_QUEUE_BYTES_MAX + MESSAGE_BYTES_MAX,
      "the queue of a channel stays within CHANNEL_QUEUE_BYTES_MAX",
    );
    const earliestAt = Math.max(now, budget.uplinkFreeAt) + wireBytes / budget.linkBytesPerMs;
    assert(departAt >= earliestAt - ROUNDING_MS, "an uplink sends no faster than it can");
    budget.uplinkFreeAt = departAt + resentBytes / budget.linkBytesPerMs;
    if (message.type === "symbol") spend(budget, message.bytes.length, now);
  }
}

function spend(budget: Budget, byteLength: number, now: number): void {
  const gained = (now - budget.filledAt) * budget.bytesPerMs;
  budget.leftBytes = Math.min(budget.burstBytes, budget.leftBytes + gained) - byteLength;
  budget.filledAt = now;
  assert(budget.leftBytes >= -ROUNDING_BYTES, "a peer sends no more media than its upload budget");
}

/** What the network says about a message that it took. */
export interface SentBytes {
  readonly wireBytes: number;
  readonly resentBytes: number;
  readonly departAt: number;
  readonly now: number;
}
