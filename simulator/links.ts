import { assert } from "../core/index.ts";
import { extended } from "./columns.ts";

const CAPACITY_AT_START = 1 << 12;
const LINKS_MAX = 2 ** 24;

/**
 * All connections of a run, as pairs of directions: direction d carries what `from(d)` sends to `to(d)`,
 * and d ^ 1 is its way back. Numbers are never used twice, so that late events find closed links closed.
 */
export class Links {
  #from = new Int32Array(CAPACITY_AT_START);
  #to = new Int32Array(CAPACITY_AT_START);
  #delayMs = new Float64Array(CAPACITY_AT_START);
  /** Whether the sender of the direction still holds its end open. */
  #isOpen = new Uint8Array(CAPACITY_AT_START);
  #lastDepartAt = new Float64Array(CAPACITY_AT_START);
  #queuedThrough = new Float64Array(CAPACITY_AT_START);
  #drainedThrough = new Float64Array(CAPACITY_AT_START);
  #count = 0;

  /** Directions so far: they are 0..count-1. */
  get count(): number {
    return this.#count;
  }

  /** Connects two hosts and gives the direction from `a` to `b`. */
  connect(a: number, b: number, delayMs: number): number {
    assert(this.#count < LINKS_MAX, "the links of a run have numbers of 24 bits");
    if (this.#count + 2 > this.#from.length) this.#grow();
    const direction = this.#count;
    this.#count += 2;
    this.#set(direction, a, b, delayMs);
    this.#set(direction + 1, b, a, delayMs);
    return direction;
  }

  from(direction: number): number {
    return this.#from[direction] as number;
  }

  to(direction: number): number {
    return this.#to[direction] as number;
  }

  /** One-way delay without jitter, in ms. */
  delayMs(direction: number): number {
    return this.#delayMs[direction] as number;
  }

  isOpen(direction: number): boolean {
    return this.#isOpen[direction] === 1;
  }

  /** The sender of the direction closes its end. */
  close(direction: number): void {
    this.#isOpen[direction] = 0;
  }

  /** When the last message given to the direction leaves its host. */
  lastDepartAt(direction: number): number {
    return this.#lastDepartAt[direction] as number;
  }

  /** Notes a message that leaves at `departAt`; gives how many bytes were queued since the start. */
  queue(direction: number, byteLength: number, departAt: number): number {
    const through = (this.#queuedThrough[direction] as number) + byteLength;
    this.#queuedThrough[direction] = through;
    this.#lastDepartAt[direction] = departAt;
    return through;
  }

  /** Notes that all up to `through` has left; gives how many bytes are left in the queue. */
  drain(direction: number, through: number): number {
    this.#drainedThrough[direction] = through;
    return this.queuedBytes(direction);
  }

  /** Bytes that were queued and are not known to have left. */
  queuedBytes(direction: number): number {
    return (this.#queuedThrough[direction] as number) - (this.#drainedThrough[direction] as number);
  }

  #set(direction: number, from: number, to: number, delayMs: number): void {
    this.#from[direction] = from;
    this.#to[direction] = to;
    this.#delayMs[direction] = delayMs;
    this.#isOpen[direction] = 1;
  }

  #grow(): void {
    const capacity = this.#from.length * 2;
    this.#from = extended(this.#from, new Int32Array(capacity));
    this.#to = extended(this.#to, new Int32Array(capacity));
    this.#delayMs = extended(this.#delayMs, new Float64Array(capacity));
    this.#isOpen = extended(this.#isOpen, new Uint8Array(capacity));
    this.#lastDepartAt = extended(this.#lastDepartAt, new Float64Array(capacity));
    this.#queuedThrough = extended(this.#queuedThrough, new Float64Array(capacity));
    this.#drainedThrough = extended(this.#drainedThrough, new Float64Array(capacity));
  }
}
