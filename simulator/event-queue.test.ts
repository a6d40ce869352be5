import { describe, expect, test } from "@jest/globals";
import { Random } from "../core/index.ts";
import { EventQueue } from "./event-queue.ts";

describe("EventQueue", () => {
  test("gives events in order of time, and of insertion at the same time", () => {
    const queue = new EventQueue();
    const random = new Random(1);
    const expected = Array.from({ length: 50_000 }, (_, index) => ({
      timeMs: random.below(3) === 0 ? random.below(20_000) : random.below(2000) / 64,
      kind: random.below(16),
      argument: index,
    }));
    for (const event of expected) queue.push(event.timeMs, event.kind, event.argument);
    expected.sort((a, b) => a.timeMs - b.timeMs || a.argument - b.argument);
    const taken = [];
    while (queue.next(Number.POSITIVE_INFINITY)) {
      taken.push({ timeMs: queue.timeMs, kind: queue.kind, argument: queue.argument });
    }
    expect(taken).toEqual(expected);
    expect(queue.taken).toBe(expected.length);
    expect(queue.size).toBe(0);
  });

  test("keeps its order while events come and go", () => {
    const queue = new EventQueue();
    const random = new Random(2);
    let last = { timeMs: 0, argument: -1 };
    for (let index = 0; index < 50_000; index++) {
      queue.push(queue.timeMs + random.below(50), 0, index);
      if (random.below(3) === 0) continue;
      if (!queue.next(Number.POSITIVE_INFINITY)) throw new Error("an event is missing");
      const isInOrder =
        queue.timeMs > last.timeMs ||
        (queue.timeMs === last.timeMs && queue.argument > last.argument);
      if (!isInOrder) throw new Error(`event ${queue.argument} came too late`);
      last = { timeMs: queue.timeMs, argument: queue.argument };
    }
  });

  test("leaves what comes later, and takes nothing into the past", () => {
    const queue = new EventQueue();
    queue.push(10, 1, 2);
    expect(queue.next(9)).toBe(false);
    expect(queue.next(10)).toBe(true);
    expect(() => queue.push(9, 1, 2)).toThrow("no event comes before the present");
  });
});
