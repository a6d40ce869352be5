import { describe, expect, test } from "@jest/globals";
import type { Message } from "../core/index.ts";
import { MESSAGE_RATES } from "./limits.ts";
import { MessageBudget, type ReadyMessage } from "./message-budget.ts";
import { at } from "./testing/test-state.ts";

const BLOCK = { rendition: 0, sequence: 1, part: 0 };
const ASK: ReadyMessage = { type: "request", block: BLOCK, withinMs: 1000, esis: [] };
const PULL: ReadyMessage = { ...ASK, esis: [1] };

function relay(byteLength: number): Extract<Message, { type: "relay" }> {
  return { type: "relay", from: "a", to: "b", payload: new Uint8Array(byteLength) };
}

/** How many of `count` messages are read. */
function read(budget: MessageBudget, ms: number, message: ReadyMessage, count: number): number {
  let taken = 0;
  for (let index = 0; index < count; index++) if (budget.take(at(ms), message)) taken++;
  return taken;
}

describe("the messages of a neighbour", () => {
  test("are read in a burst, and then at their rate", () => {
    const { burst, perSecond } = MESSAGE_RATES.manifestRequest;
    const budget = new MessageBudget();
    expect(read(budget, 0, ASK, burst)).toBe(burst);
    expect(budget.take(at(0), ASK)).toBe(false);
    expect(read(budget, 10_000, ASK, burst)).toBe(burst);
    let taken = 0;
    for (let ms = 10_000; ms < 20_000; ms += 100) if (budget.take(at(ms), ASK)) taken++;
    expect(taken).toBeLessThanOrEqual(10 * perSecond);
    expect(taken).toBeGreaterThan(5 * perSecond);
  });

  test("have a budget for each kind, and symbols none", () => {
    const budget = new MessageBudget();
    read(budget, 0, ASK, MESSAGE_RATES.manifestRequest.burst + 1);
    expect(budget.take(at(0), PULL)).toBe(true);
    const symbol = { type: "symbol", block: BLOCK, esi: 0, bytes: new Uint8Array(1) } as const;
    expect(read(budget, 0, symbol, 10_000)).toBe(10_000);
  });

  test("count by their KiB when they are to be relayed", () => {
    const { burst } = MESSAGE_RATES.relay;
    expect(read(new MessageBudget(), 0, relay(100), burst)).toBe(burst);
    expect(read(new MessageBudget(), 0, relay(15 * 1024), burst / 8)).toBe(burst / 16);
  });

  test("are a flood when four bursts are owed, where what is dropped counts half", () => {
    const { burst } = MESSAGE_RATES.evidence;
    const evidence: ReadyMessage = {
      ...{ type: "evidence", records: [], issuedAtS: 0 },
      signature: new Uint8Array(64),
    };
    const budget = new MessageBudget();
    expect(read(budget, 0, evidence, 7 * burst + 1)).toBe(burst);
    expect(() => budget.take(at(0), evidence)).toThrow("Far more evidence messages");
    expect(read(budget, 0, evidence, 6 * burst)).toBe(0);
  });
});
