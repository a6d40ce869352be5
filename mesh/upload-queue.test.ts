import { describe, expect, test } from "@jest/globals";
import { instantMs } from "../core/index.ts";
import { UPLOAD_QUEUE_MAX } from "./limits.ts";
import { START, TestState } from "./testing/test-state.ts";
import { type Upload, UploadQueue } from "./upload-queue.ts";

const block = new TestState("viewer").addBlock(0, "published");

function upload(esi: number, rank: number, changes: Partial<Upload> = {}): Upload {
  const expiresAt = instantMs(START + 1000);
  return { block, esi, rank, queuedAt: START, expiresAt, isPush: false, ...changes };
}

function drained(queue: UploadQueue): number[] {
  const esis: number[] = [];
  for (let first = queue.first; first !== undefined; first = queue.first) {
    esis.push(first.esi);
    queue.takeFirst();
  }
  return esis;
}

describe("an upload queue", () => {
  test("gives the most urgent first, and of equals the one that came first", () => {
    const queue = new UploadQueue();
    for (const [esi, rank] of [
      [1, 30],
      [2, 10],
      [3, 20],
      [4, 10],
      [5, 30],
    ] as const) {
      queue.add(upload(esi, rank));
    }
    expect(drained(queue)).toEqual([2, 4, 3, 1, 5]);
  });

  test("takes a symbol once", () => {
    const queue = new UploadQueue();
    expect(queue.add(upload(1, 10))).toBe(true);
    expect(queue.add(upload(1, 5))).toBe(false);
    expect(queue.length).toBe(1);
  });

  test("is bounded", () => {
    const queue = new UploadQueue();
    const [, other] = [block, new TestState("viewer").addBlock(1, "published")];
    for (let esi = 0; esi < 256; esi++) queue.add(upload(esi, 1));
    for (let esi = 0; esi < 256; esi++) queue.add(upload(esi, 1, { block: other }));
    expect(queue.length).toBe(UPLOAD_QUEUE_MAX);
    expect(queue.add(upload(256, 0))).toBe(false);
    expect(queue.length).toBe(UPLOAD_QUEUE_MAX);
  });

  test("lets go of what it is told to", () => {
    const queue = new UploadQueue();
    for (let esi = 0; esi < 6; esi++) queue.add(upload(esi, esi));
    queue.removeWhere(({ esi }) => esi % 2 === 0);
    expect(drained(queue)).toEqual([1, 3, 5]);
  });
});
