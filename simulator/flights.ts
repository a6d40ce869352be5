import type { Message } from "../core/index.ts";
import { extended } from "./columns.ts";

const CAPACITY_AT_START = 1 << 13;

/** Messages between two hosts, in numbered slots that are used again. */
export class Flights {
  #messages: (Message | undefined)[] = new Array(CAPACITY_AT_START).fill(undefined);
  #directions = new Int32Array(CAPACITY_AT_START);
  #wireBytes = new Int32Array(CAPACITY_AT_START);
  #departAt = new Float64Array(CAPACITY_AT_START);
  #queuedThrough = new Float64Array(CAPACITY_AT_START);
  #free = new Int32Array(CAPACITY_AT_START);
  #freeCount = 0;
  #used = 0;

  /** Puts a message into a slot and gives its number. */
  add(
    direction: number,
    message: Message,
    wireBytes: number,
    departAt: number,
    queuedThrough: number,
  ): number {
    if (this.#freeCount === 0 && this.#used === this.#directions.length) this.#grow();
    const slot = this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : this.#used++;
    this.#messages[slot] = message;
    this.#directions[slot] = direction;
    this.#wireBytes[slot] = wireBytes;
    this.#departAt[slot] = departAt;
    this.#queuedThrough[slot] = queuedThrough;
    return slot;
  }

  direction(slot: number): number {
    return this.#directions[slot] as number;
  }

  wireBytes(slot: number): number {
    return this.#wireBytes[slot] as number;
  }

  departAt(slot: number): number {
    return this.#departAt[slot] as number;
  }

  queuedThrough(slot: number): number {
    return this.#queuedThrough[slot] as number;
  }

  /** Takes the message out of its slot, which is free then. */
  take(slot: number): Message | undefined {
    const message = this.#messages[slot];
    this.#messages[slot] = undefined;
    this.#free[this.#freeCount++] = slot;
    return message;
  }

  /** The bytes of all messages on their way, counted one by one. */
  countBytes(): number {
    let bytes = 0;
    for (let slot = 0; slot < this.#used; slot++) {
      if (this.#messages[slot] !== undefined) bytes += this.wireBytes(slot);
    }
    return bytes;
  }

  #grow(): void {
    const capacity = this.#directions.length * 2;
    this.#messages = this.#messages.concat(new Array(capacity / 2).fill(undefined));
    this.#directions = extended(this.#directions, new Int32Array(capacity));
    this.#wireBytes = extended(this.#wireBytes, new Int32Array(capacity));
    this.#departAt = extended(this.#departAt, new Float64Array(capacity));
    this.#queuedThrough = extended(this.#queuedThrough, new Float64Array(capacity));
    this.#free = extended(this.#free, new Int32Array(capacity));
  }
}
