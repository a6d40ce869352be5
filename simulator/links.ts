import { assert } from "../core/index.ts";
import { extended } from "./columns.ts";

const CAPACITY_AT_START = 1 << 12;
const LINKS_MAX = 2 ** 24;

/** The columns of a direction, side by side: what belongs together is read together. */
const WIDTH = 8;
const FROM = 0;
const TO = 1;
const DELAY_MS = 2;
const IS_OPEN = 3;
const LAST_DEPART_AT = 4;
const QUEUED_THROUGH = 5;
const DRAINED_THROUGH = 6;
const TOLD_THROUGH = 7;

/**
 * All connections of a run, as pairs of directions: direction d carries what `from(d)` sends to `to(d)`,
 * and d ^ 1 is its way back. Numbers are never used twice, so that late events find closed links closed.
 */
export class Links {
  #rows = new Float64Array(CAPACITY_AT_START * WIDTH);
  #count = 0;

  /** Connects two hosts and gives the direction from `a` to `b`. */
  connect(a: number, b: number, delayMs: number): number {
    assert(this.#count < LINKS_MAX, "the links of a run have numbers of 24 bits");
    if ((this.#count + 2) * WIDTH > this.#rows.length) {
      this.#rows = extended(this.#rows, new Float64Array(this.#rows.length * 2));
    }
    const direction = this.#count;
    this.#count += 2;
    this.#rows.set([a, b, delayMs, 1, 0, 0, 0, 0], direction * WIDTH);
    this.#rows.set([b, a, delayMs, 1, 0, 0, 0, 0], (direction + 1) * WIDTH);
    return direction;
  }

  from(direction: number): number {
    return this.#rows[direction * WIDTH + FROM] as number;
  }

  to(direction: number): number {
    return this.#rows[direction * WIDTH + TO] as number;
  }

  /** One-way delay without jitter, in ms. */
  delayMs(direction: number): number {
    return this.#rows[direction * WIDTH + DELAY_MS] as number;
  }

  /** Whether the sender of the direction still holds its end open. */
  isOpen(direction: number): boolean {
    return this.#rows[direction * WIDTH + IS_OPEN] === 1;
  }

  /** The sender of the direction closes its end. */
  close(direction: number): void {
    this.#rows[direction * WIDTH + IS_OPEN] = 0;
  }

  /** When the last message of the direction of which that is known leaves its host. */
  lastDepartAt(direction: number): number {
    return this.#rows[direction * WIDTH + LAST_DEPART_AT] as number;
  }

  /** Notes a message that waits to leave; gives how many bytes were queued since the start. */
  queue(direction: number, byteLength: number): number {
    const row = direction * WIDTH;
    const through = (this.#rows[row + QUEUED_THROUGH] as number) + byteLength;
    this.#rows[row + QUEUED_THROUGH] = through;
    return through;
  }

  /**
   * Notes that all up to `through` leaves at `departAt`. Gives whether that is to be told: when it is
   * `reportBytes` since what was told last.
   */
  depart(direction: number, through: number, departAt: number, reportBytes: number): boolean {
    const row = direction * WIDTH;
    this.#rows[row + LAST_DEPART_AT] = departAt;
    if (through - (this.#rows[row + TOLD_THROUGH] as number) < reportBytes) return false;
    this.#rows[row + TOLD_THROUGH] = through;
    return true;
  }

  /** Notes that all up to `through` has left; gives how many bytes are left in the queue. */
  drain(direction: number, through: number): number {
    this.#rows[direction * WIDTH + DRAINED_THROUGH] = through;
    return this.queuedBytes(direction);
  }

  /** Bytes that were queued and are not known to have left. */
  queuedBytes(direction: number): number {
    const row = direction * WIDTH;
    return (
      (this.#rows[row + QUEUED_THROUGH] as number) - (this.#rows[row + DRAINED_THROUGH] as number)
    );
  }
}
