import type { Message } from "../core/index.ts";
import { extended } from "./columns.ts";

const CAPACITY_AT_START = 1 << 13;

/** The columns of a flight, side by side. */
const WIDTH = 4;
const DIRECTION = 0;
const WIRE_BYTES = 1;
const DEPART_AT = 2;
const QUEUED_THROUGH = 3;

/** Messages between two hosts, in numbered slots that are used again. */
export class Flights {
  readonly #messages: (Message | undefined)[] = [];
  readonly #free: number[] = [];
  #rows = new Float64Array(CAPACITY_AT_START * WIDTH);

  /** Puts a message into a slot and gives its number. */
  add(direction: number, message: Message, wireBytes: number, queuedThrough: number): number {
    const slot = this.#free.pop() ?? this.#messages.length;
    this.#messages[slot] = message;
    const row = slot * WIDTH;
    if (row === this.#rows.length) {
      this.#rows = extended(this.#rows, new Float64Array(this.#rows.length * 2));
    }
    const rows = this.#rows;
    rows[row + DIRECTION] = direction;
    rows[row + WIRE_BYTES] = wireBytes;
    rows[row + DEPART_AT] = Number.POSITIVE_INFINITY;
    rows[row + QUEUED_THROUGH] = queuedThrough;
    return slot;
  }

  direction(slot: number): number {
    return this.#rows[slot * WIDTH + DIRECTION] as number;
  }

  wireBytes(slot: number): number {
    return this.#rows[slot * WIDTH + WIRE_BYTES] as number;
  }

  /** The message leaves its host at `departAt`. */
  depart(slot: number, departAt: number): void {
    this.#rows[slot * WIDTH + DEPART_AT] = departAt;
  }

  /** When the message leaves its host; infinite as long as that is open. */
  departAt(slot: number): number {
    return this.#rows[slot * WIDTH + DEPART_AT] as number;
  }

  queuedThrough(slot: number): number {
    return this.#rows[slot * WIDTH + QUEUED_THROUGH] as number;
  }

  /** Takes the message out of its slot, which is free then. */
  take(slot: number): Message | undefined {
    const message = this.#messages[slot];
    this.#messages[slot] = undefined;
    this.#free.push(slot);
    return message;
  }

  /** The bytes of all messages on their way, counted one by one. */
  countBytes(): number {
    let bytes = 0;
    for (const [slot, message] of this.#messages.entries()) {
      if (message !== undefined) bytes += this.wireBytes(slot);
    }
    return bytes;
  }
}
