import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Publisher } from "../pipeline/index.ts";
import { GRACE_AFTER_BROADCASTER_MS, GRACE_AT_START_MS, TestCard } from "./test-card.ts";

const START_MS = 1_000_000;
const FILLER: Publisher = { session: "f", filler: true, startedAtMs: START_MS };
const BROADCASTER: Publisher = { session: "b", filler: false, startedAtMs: START_MS };

let folder: string;
let starts: string;
let card: TestCard;
let failures: string[];

/** A card whose process notes each start in a file, then does what `then` says. */
function cardThat(then: string): TestCard {
  const script = `require("node:fs").appendFileSync(${JSON.stringify(starts)}, "s"); ${then}`;
  failures = [];
  return new TestCard([process.execPath, "-e", script], START_MS, (reason) =>
    failures.push(reason),
  );
}

function startCount(): number {
  try {
    return readFileSync(starts, "utf8").length;
  } catch {
    return 0;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-card-"));
  starts = join(folder, "starts");
  card = cardThat("setInterval(() => {}, 1000);");
});
afterEach(async () => {
  await card.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("the test card", () => {
  test("begins after the grace time at the start, once", async () => {
    card.update(START_MS + GRACE_AT_START_MS - 1, undefined);
    expect(card.isPlaying).toBe(false);
    card.update(START_MS + GRACE_AT_START_MS, undefined);
    expect(card.isPlaying).toBe(true);
    await until(() => startCount() === 1);
    card.update(START_MS + 60_000, FILLER);
    card.update(START_MS + 60_500, undefined);
    expect(startCount()).toBe(1);
  });

  test("leaves the stream to a broadcaster, and comes back a grace time after it has gone", async () => {
    card.update(START_MS + GRACE_AT_START_MS, undefined);
    await until(() => startCount() === 1);
    card.update(START_MS + 5000, BROADCASTER);
    await until(() => !card.isPlaying);
    card.update(START_MS + 5000 + GRACE_AFTER_BROADCASTER_MS - 1, undefined);
    expect(card.isPlaying).toBe(false);
    card.update(START_MS + 5000 + GRACE_AFTER_BROADCASTER_MS, undefined);
    await until(() => startCount() === 2);
  });

  test("waits while the lease of an earlier filler runs", () => {
    card.update(START_MS + 60_000, FILLER);
    expect(card.isPlaying).toBe(false);
  });

  test("that cannot play tells why and is tried again after a pause", async () => {
    card = cardThat('console.error("no such door"); process.exit(1);');
    card.update(START_MS + 2000, undefined);
    await until(() => failures.length === 1);
    expect(failures).toEqual(["no such door"]);
    card.update(START_MS + 2500, undefined);
    expect(card.isPlaying).toBe(false);
    card.update(START_MS + 6000, undefined);
    await until(() => failures.length === 2);
  });

  test("that was stopped does not come back", async () => {
    card.update(START_MS + 2000, undefined);
    await card.stop();
    card.update(START_MS + 90_000, undefined);
    expect(card.isPlaying).toBe(false);
    expect(failures).toEqual([]);
  });
});
