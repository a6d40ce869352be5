import { assert } from "../core/index.ts";
import { extended } from "./columns.ts";

const ARITY = 4;
const CAPACITY_AT_START = 1 << 14;
const SEQUENCE_MAX = 2 ** 32 - 1;

/**
 * The future of a simulation: events of a small whole-number kind and one whole-number argument, taken
 * in order of time, and of insertion at the same time. A heap of four branches in typed arrays: nothing
 * is allocated for an event.
 */
export class EventQueue {
  /** The event that `next` took last. */
  timeMs = 0;
  kind = 0;
  argument = 0;
  /** Events taken since the start. */
  taken = 0;

  #times = new Float64Array(CAPACITY_AT_START);
  #sequences = new Uint32Array(CAPACITY_AT_START);
  #kinds = new Uint8Array(CAPACITY_AT_START);
  #arguments = new Int32Array(CAPACITY_AT_START);
  #size = 0;
  #sequence = 0;

  /** Events that wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds an event, not before the one taken last; `kind` is 0..255, `argument` fits into 32 bits. */
  push(timeMs: number, kind: number, argument: number): void {
    assert(timeMs >= this.timeMs, "no event comes before the present");
    assert(this.#sequence < SEQUENCE_MAX, "the events of a run can be counted in 32 bits");
    if (this.#size === this.#times.length) this.#grow();
    const sequence = this.#sequence++;
    const times = this.#times;
    let hole = this.#size++;
    // A new event has the highest sequence, so that equal times never move it up.
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      if ((times[parent] as number) <= timeMs) break;
      this.#move(parent, hole);
      hole = parent;
    }
    times[hole] = timeMs;
    this.#sequences[hole] = sequence;
    this.#kinds[hole] = kind;
    this.#arguments[hole] = argument;
  }

  /** Takes the next event up to `untilMs` into `timeMs`, `kind` and `argument`; false if there is none. */
  next(untilMs: number): boolean {
    if (this.#size === 0 || (this.#times[0] as number) > untilMs) return false;
    this.timeMs = this.#times[0] as number;
    this.kind = this.#kinds[0] as number;
    this.argument = this.#arguments[0] as number;
    this.taken++;
    this.#size--;
    if (this.#size > 0) this.#sink();
    return true;
  }

  /** Puts the last event into the root's place and lets it sink. */
  #sink(): void {
    const size = this.#size;
    const times = this.#times;
    const sequences = this.#sequences;
    const time = times[size] as number;
    const sequence = sequences[size] as number;
    let hole = 0;
    for (;;) {
      const child = this.#firstChild(hole);
      if (child === 0) break;
      const childTime = times[child] as number;
      if (childTime > time) break;
      if (childTime === time && (sequences[child] as number) > sequence) break;
      this.#move(child, hole);
      hole = child;
    }
    if (hole !== size) this.#move(size, hole);
  }

  /** The child of `hole` that comes first, or 0 if it has none. */
  #firstChild(hole: number): number {
    const times = this.#times;
    const sequences = this.#sequences;
    let best = hole * ARITY + 1;
    if (best >= this.#size) return 0;
    const end = Math.min(best + ARITY, this.#size);
    let bestTime = times[best] as number;
    for (let child = best + 1; child < end; child++) {
      const time = times[child] as number;
      if (time > bestTime) continue;
      if (time === bestTime && (sequences[child] as number) > (sequences[best] as number)) continue;
      best = child;
      bestTime = time;
    }
    return best;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#sequences[to] = this.#sequences[from] as number;
    this.#kinds[to] = this.#kinds[from] as number;
    this.#arguments[to] = this.#arguments[from] as number;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    this.#times = extended(this.#times, new Float64Array(capacity));
    this.#sequences = extended(this.#sequences, new Uint32Array(capacity));
    this.#kinds = extended(this.#kinds, new Uint8Array(capacity));
    this.#arguments = extended(this.#arguments, new Int32Array(capacity));
  }
}
