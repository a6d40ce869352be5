import { assert } from "../core/index.ts";
import { extended } from "./columns.ts";

/** Events of one tick wait in one list; ticks are short, so that the lists are. */
const TICKS_PER_MS = 32;
/** Ticks ahead that have a list of their own, a power of two: about 4 s. What is later waits in a heap. */
const TICKS = 1 << 17;
const CAPACITY_AT_START = 1 << 14;
const SEQUENCE_MAX = 2 ** 32 - 1;
const ARGUMENT_BITS = 27;
const ARGUMENT_MAX: number = 2 ** ARGUMENT_BITS - 1;
const NONE = -1;

/** The columns of an event, side by side: what belongs together is read together. */
const WIDTH = 4;
const TIME_MS = 0;
/** Its place in the order of insertion. */
const SEQUENCE = 1;
/** Kind and argument. */
const CODE = 2;
/** The slot of the next event in the same list. */
const NEXT = 3;

/**
 * The future of a simulation: events of a small whole-number kind and one whole-number argument, taken
 * in order of time, and of insertion at the same time. A timing wheel (Varghese and Lauck 1987) of lists
 * in typed arrays, with a heap for what is far away: nothing is allocated for an event.
 */
export class EventQueue {
  /** The event that `next` took last. */
  timeMs = 0;
  kind = 0;
  argument = 0;
  /** Events taken since the start. */
  taken = 0;

  /** Events in numbered slots that are used again. */
  #rows = new Float64Array(CAPACITY_AT_START * WIDTH);
  #free = NONE;
  #used = 0;
  /** The first slot of each tick's list, by tick modulo TICKS. */
  readonly #lists = new Int32Array(TICKS).fill(NONE);
  #inLists = 0;
  /** The events of the present tick, the next one last. */
  #present: number[] = [];
  #tick = 0;
  /** Slots of events beyond the wheel, as a binary heap. */
  readonly #heap: number[] = [];
  #sequence = 0;

  /** Events that wait. */
  get size(): number {
    return this.#present.length + this.#inLists + this.#heap.length;
  }

  /** Adds an event, not before the one taken last; `kind` is 0..15, `argument` 0..2^27-1. */
  push(timeMs: number, kind: number, argument: number): void {
    assert(timeMs >= this.timeMs, "no event comes before the present");
    assert(this.#sequence < SEQUENCE_MAX, "the events of a run can be counted in 32 bits");
    const slot = this.#take();
    const row = slot * WIDTH;
    this.#rows[row + TIME_MS] = timeMs;
    this.#rows[row + SEQUENCE] = this.#sequence++;
    this.#rows[row + CODE] = (kind << ARGUMENT_BITS) | argument;
    const tick = Math.floor(timeMs * TICKS_PER_MS);
    if (tick <= this.#tick) this.#insert(slot);
    else if (tick - this.#tick < TICKS) this.#list(tick, slot);
    else this.#rise(slot);
  }

  /** Takes the next event up to `untilMs` into `timeMs`, `kind` and `argument`; false if there is none. */
  next(untilMs: number): boolean {
    if (this.#present.length === 0 && !this.#advance()) return false;
    const slot = this.#present[this.#present.length - 1] as number;
    const row = slot * WIDTH;
    const timeMs = this.#rows[row + TIME_MS] as number;
    if (timeMs > untilMs) return false;
    this.#present.pop();
    const code = (this.#rows[row + CODE] as number) | 0;
    this.timeMs = timeMs;
    this.kind = code >>> ARGUMENT_BITS;
    this.argument = code & ARGUMENT_MAX;
    this.taken++;
    this.#rows[row + NEXT] = this.#free;
    this.#free = slot;
    return true;
  }

  /** Goes to the next tick that has events; false if there is none. */
  #advance(): boolean {
    if (this.#inLists === 0) {
      if (this.#heap.length === 0) return false;
      this.#tick = this.#tickOf(this.#heap[0] as number);
    } else {
      do this.#tick++;
      while (this.#lists[this.#tick % TICKS] === NONE && !this.#isHeapDue());
    }
    while (this.#isHeapDue()) this.#present.push(this.#sink());
    const at = this.#tick % TICKS;
    for (let slot = this.#lists[at] as number; slot !== NONE; slot = this.#nextOf(slot)) {
      this.#present.push(slot);
      this.#inLists--;
    }
    this.#lists[at] = NONE;
    this.#sort();
    return true;
  }

  #isHeapDue(): boolean {
    return this.#heap.length > 0 && this.#tickOf(this.#heap[0] as number) <= this.#tick;
  }

  #list(tick: number, slot: number): void {
    const at = tick % TICKS;
    this.#rows[slot * WIDTH + NEXT] = this.#lists[at] as number;
    this.#lists[at] = slot;
    this.#inLists++;
  }

  /** Puts an event into its place among those of the present tick. */
  #insert(slot: number): void {
    const present = this.#present;
    let at = present.length;
    present.push(slot);
    while (at > 0 && this.#isBefore(present[at - 1] as number, slot)) {
      present[at] = present[at - 1] as number;
      at--;
    }
    present[at] = slot;
  }

  /** Sorts the present tick, the last event first. There are few, and they are almost in order. */
  #sort(): void {
    const present = this.#present;
    for (let end = 1; end < present.length; end++) {
      const slot = present[end] as number;
      let at = end;
      while (at > 0 && this.#isBefore(present[at - 1] as number, slot)) {
        present[at] = present[at - 1] as number;
        at--;
      }
      present[at] = slot;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const rows = this.#rows;
    const timeA = rows[a * WIDTH + TIME_MS] as number;
    const timeB = rows[b * WIDTH + TIME_MS] as number;
    if (timeA !== timeB) return timeA < timeB;
    return (rows[a * WIDTH + SEQUENCE] as number) < (rows[b * WIDTH + SEQUENCE] as number);
  }

  #tickOf(slot: number): number {
    return Math.floor((this.#rows[slot * WIDTH + TIME_MS] as number) * TICKS_PER_MS);
  }

  #nextOf(slot: number): number {
    return this.#rows[slot * WIDTH + NEXT] as number;
  }

  #rise(slot: number): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(slot);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#isBefore(heap[parent] as number, slot)) break;
      heap[hole] = heap[parent] as number;
      hole = parent;
    }
    heap[hole] = slot;
  }

  /** Takes the first event out of the heap. */
  #sink(): number {
    const heap = this.#heap;
    const first = heap[0] as number;
    const last = heap.pop() as number;
    if (heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      const other = child + 1;
      if (other < heap.length && this.#isBefore(heap[other] as number, heap[child] as number)) {
        child = other;
      }
      if (this.#isBefore(last, heap[child] as number)) break;
      heap[hole] = heap[child] as number;
      hole = child;
    }
    heap[hole] = last;
    return first;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#nextOf(slot);
      return slot;
    }
    if (this.#used * WIDTH === this.#rows.length) {
      this.#rows = extended(this.#rows, new Float64Array(this.#rows.length * 2));
    }
    return this.#used++;
  }
}
