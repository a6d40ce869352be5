import { describe, expect, test } from "@jest/globals";
import { instantMs } from "../core/index.ts";
import { uploadBudget } from "../mesh/index.ts";
import { UploadCap } from "./upload-cap.ts";

const STEP_MS = 10;
const SYMBOL_BYTES = 8192;
/** What the mesh lets wait in the channels. */
const WINDOW_BYTES = 32_768;

/** A cap of at most 2 MB/s and 80 % of the line, and channels that drain by a line. */
class World {
  readonly budget = uploadBudget(instantMs(0), 2_000_000);
  readonly cap = new UploadCap(instantMs(0), this.budget, 0.8);
  #nowMs = 0;
  #givenBytes = 0;
  #waitingBytes = 0;
  /** What left the channels and is on its way. */
  #sentBytes = 0;
  /** What waits for a neighbour that takes nothing. */
  stuckBytes = 0;

  /**
   * For some seconds a peer wants to send `wantedBytesPerS`, all of a second's at its start, on a line that takes
   * `lineBytesPerS`, of which `networkBytes` leave at once after a pause. Gives what was sent a second.
   */
  run(
    seconds: number,
    wantedBytesPerS: number,
    {
      lineBytesPerS,
      networkBytes = 2 * SYMBOL_BYTES,
    }: { lineBytesPerS: number; networkBytes?: number },
  ): number {
    const givenBefore = this.#givenBytes;
    let wantedBytes = 0;
    for (let step = 0; step < (seconds * 1000) / STEP_MS; step++) {
      if (step % (1000 / STEP_MS) === 0) wantedBytes += wantedBytesPerS;
      const now = instantMs(this.#nowMs);
      while (wantedBytes > 0 && this.#waitingBytes < WINDOW_BYTES) {
        if (!this.budget.take(now, SYMBOL_BYTES)) break;
        wantedBytes -= SYMBOL_BYTES;
        this.#givenBytes += SYMBOL_BYTES;
        this.#waitingBytes += SYMBOL_BYTES;
      }
      this.#sentBytes = Math.max(0, this.#sentBytes - (lineBytesPerS * STEP_MS) / 1000);
      const leftBytes = Math.min(networkBytes - this.#sentBytes, this.#waitingBytes);
      this.#waitingBytes -= leftBytes;
      this.#sentBytes += leftBytes;
      this.#nowMs += STEP_MS;
      const given = this.#givenBytes + this.stuckBytes;
      this.cap.look(instantMs(this.#nowMs), given, this.#waitingBytes + this.stuckBytes);
    }
    return (this.#givenBytes - givenBefore) / seconds;
  }
}

describe("an upload cap", () => {
  test("keeps to its share of a line that was seen to be full", () => {
    const world = new World();
    world.run(10, 2_000_000, { lineBytesPerS: 200_000 });
    expect(world.budget.perSecond).toBeGreaterThan(0.78 * 200_000);
    expect(world.budget.perSecond).toBeLessThan(0.82 * 200_000);
    expect(world.run(20, 2_000_000, { lineBytesPerS: 200_000 })).toBeLessThan(0.85 * 200_000);
  });

  test("is not misled by what the network takes at once before it holds anything up", () => {
    const world = new World();
    world.run(60, 150_000, { lineBytesPerS: 200_000, networkBytes: 60_000 });
    world.run(20, 2_000_000, { lineBytesPerS: 200_000, networkBytes: 60_000 });
    expect(world.budget.perSecond).toBeLessThan(0.85 * 200_000);
  });

  test("rises to what it may be at the most on a line that takes all", () => {
    const world = new World();
    const startBytesPerS = world.budget.perSecond;
    world.run(1, 2_000_000, { lineBytesPerS: 10_000_000 });
    expect(world.budget.perSecond).toBeGreaterThan(startBytesPerS);
    world.run(20, 4_000_000, { lineBytesPerS: 10_000_000, networkBytes: 200_000 });
    expect(world.budget.perSecond).toBe(2_000_000);
  });

  test("learns that a line has become faster", () => {
    const world = new World();
    world.run(10, 2_000_000, { lineBytesPerS: 100_000 });
    world.run(60, 2_000_000, { lineBytesPerS: 1_000_000 });
    expect(world.budget.perSecond).toBeGreaterThan(0.75 * 1_000_000);
  });

  test("says nothing of a line that little is sent on", () => {
    const world = new World();
    const startBytesPerS = world.budget.perSecond;
    world.run(60, 50_000, { lineBytesPerS: 100_000_000 });
    expect(world.budget.perSecond).toBe(startBytesPerS);
  });

  test("leaves enough for what is sent while a neighbour takes nothing", () => {
    const world = new World();
    world.stuckBytes = 20_000;
    world.run(60, 100_000, { lineBytesPerS: 10_000_000 });
    expect(world.run(20, 100_000, { lineBytesPerS: 10_000_000 })).toBeGreaterThan(95_000);
  });
});
