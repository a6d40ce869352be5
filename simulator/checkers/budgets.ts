import { assert, MESSAGE_BYTES_MAX, type Message } from "../../core/index.ts";
import { CHANNEL_QUEUE_BYTES_MAX } from "../../mesh/index.ts";
import { extended } from "../columns.ts";
import type { Host } from "../host.ts";
import type { Links } from "../links.ts";

/** Seconds of its upload budget that a peer may save up (uploadBudget of mesh/). */
const BURST_S = 0.5;
/** Rounding of virtual times, in ms. */
const ROUNDING_MS = 0.001;
const ROUNDING_BYTES = 16;
const CAPACITY_AT_START = 1 << 10;

/** The columns of a host, side by side. */
const WIDTH = 8;
/** Whether it is an honest one that is there. */
const IS_WATCHED = 0;
/** What the peer may give, and what its uplink can send. */
const BYTES_PER_MS = 1;
const LINK_BYTES_PER_MS = 2;
const BURST_BYTES = 3;
const LEFT_BYTES = 4;
const FILLED_AT = 5;
const UPLINK_FREE_AT = 6;

/**
 * Honest peers send no more media than their upload budget lets them, the queue of a channel stays
 * bounded, and no uplink sends faster than it can. Each is worked out here a second time.
 */
export class Budgets {
  checked = 0;
  readonly #links: Links;
  #rows = new Float64Array(CAPACITY_AT_START * WIDTH);

  constructor(links: Links) {
    this.#links = links;
  }

  joined({ index, isAttacker, traits: { uplinkBps, linkBps } }: Host, now: number): void {
    const row = index * WIDTH;
    if (row >= this.#rows.length) {
      this.#rows = extended(this.#rows, new Float64Array(row * 2));
    }
    const bytesPerMs = uplinkBps / 8000;
    const burstBytes = Math.max(bytesPerMs * 1000 * BURST_S, MESSAGE_BYTES_MAX);
    this.#rows.set(
      [Number(!isAttacker), bytesPerMs, linkBps / 8000, burstBytes, burstBytes, now, now],
      row,
    );
  }

  left({ index }: Host): void {
    this.#rows[index * WIDTH + IS_WATCHED] = 0;
  }

  /** A peer hands a message over. */
  sent(now: number, { index }: Host, direction: number, message: Message): void {
    const row = index * WIDTH;
    if (this.#rows[row + IS_WATCHED] === 0) return;
    this.checked++;
    assert(
      this.#links.queuedBytes(direction) <= CHANNEL_QUEUE_BYTES_MAX + MESSAGE_BYTES_MAX,
      "the queue of a channel stays within CHANNEL_QUEUE_BYTES_MAX",
    );
    if (message.type === "symbol") this.#spend(row, message.bytes.length, now);
  }

  /** A message leaves its uplink. */
  departs(now: number, host: number, { wireBytes, resentBytes, departAt }: Departure): void {
    const rows = this.#rows;
    const row = host * WIDTH;
    if (rows[row + IS_WATCHED] === 0) return;
    const bytesPerMs = rows[row + LINK_BYTES_PER_MS] as number;
    const freeAt = Math.max(now, rows[row + UPLINK_FREE_AT] as number);
    assert(
      departAt >= freeAt + wireBytes / bytesPerMs - ROUNDING_MS,
      "an uplink sends no faster than it can",
    );
    rows[row + UPLINK_FREE_AT] = departAt + resentBytes / bytesPerMs;
  }

  #spend(row: number, byteLength: number, now: number): void {
    const rows = this.#rows;
    const gained = (now - (rows[row + FILLED_AT] as number)) * (rows[row + BYTES_PER_MS] as number);
    const filled = Math.min(
      rows[row + BURST_BYTES] as number,
      (rows[row + LEFT_BYTES] as number) + gained,
    );
    rows[row + LEFT_BYTES] = filled - byteLength;
    rows[row + FILLED_AT] = now;
    assert(
      filled - byteLength >= -ROUNDING_BYTES,
      "a peer sends no more media than its upload budget",
    );
  }
}

/** What the network says about a message that leaves an uplink, and about what of it is sent again. */
export interface Departure {
  readonly wireBytes: number;
  readonly resentBytes: number;
  readonly departAt: number;
}
