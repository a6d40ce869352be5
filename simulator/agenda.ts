import { assert } from "../core/index.ts";
import { EVENT } from "./event-kinds.ts";
import type { EventQueue } from "./event-queue.ts";

/** Rare events as functions: arrivals, releases, failures. */
export class Agenda {
  readonly #queue: EventQueue;
  readonly #tasks: ((() => void) | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  /** Runs `task` at `timeMs`. */
  at(timeMs: number, task: () => void): void {
    const slot = this.#free.pop() ?? this.#tasks.length;
    this.#tasks[slot] = task;
    this.#queue.push(timeMs, EVENT.task, slot);
  }

  /** Runs `task` after `delayMs`. */
  in(delayMs: number, task: () => void): void {
    this.at(this.#queue.timeMs + delayMs, task);
  }

  /** Runs the task of an event. */
  run(slot: number): void {
    const task = this.#tasks[slot];
    assert(task !== undefined, "a task runs once");
    this.#tasks[slot] = undefined;
    this.#free.push(slot);
    task();
  }
}
