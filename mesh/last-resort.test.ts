import { describe, expect, test } from "@jest/globals";
import type { Block } from "./block.ts";
import { LastResort } from "./last-resort.ts";
import { at, START, TestState } from "./testing/test-state.ts";
import { DEFAULT_TUNING } from "./tuning.ts";

const { fetchMs, startFetchMs } = DEFAULT_TUNING;

function world(tuning = {}) {
  const mesh = new TestState("viewer", { tuning });
  const lastResort = new LastResort(mesh.state);
  lastResort.start(START);
  /** The bytes that are fetched of a block at a time, ms after the start. */
  const fetched = (ms: number, block: Block): number[][] => {
    lastResort.run(at(ms), block);
    return mesh.state.outputs
      .splice(0)
      .flatMap((output) => (output.kind === "fetch" ? [[output.start, output.end]] : []));
  };
  const { maxDelayMs } = mesh.state.options.limits;
  return { mesh, lastResort, fetched, urgentMs: maxDelayMs - fetchMs };
}

/** Gives a block all of its source symbols but these. */
function fill(mesh: TestState, block: Block, lacking: readonly number[]): void {
  const whole = mesh.addBlock(block.id.sequence + 100, "published");
  for (let esi = 0; esi < block.k; esi++) {
    if (!lacking.includes(esi)) block.decoder?.add(esi, whole.symbol(esi) ?? new Uint8Array(0));
  }
}

describe("the last resort", () => {
  test("fetches, once, what a block lacks shortly before its deadline", () => {
    const { mesh, lastResort, fetched, urgentMs } = world();
    const block = mesh.addBlock(0, "wanted");
    for (let count = 0; count < 2; count++) lastResort.completed(block.manifest);
    fill(mesh, block, [1, 2]);
    const { symbolBytes } = block.manifest.fec;
    expect(fetched(urgentMs - 1, block)).toEqual([]);
    expect(fetched(urgentMs, block)).toEqual([[symbolBytes, 3 * symbolBytes]]);
    expect(fetched(urgentMs + 1, block)).toEqual([]);
  });

  test("fetches what lies apart one by one, and the last symbol as long as it is", () => {
    const { mesh, fetched, urgentMs } = world();
    const block = mesh.addBlock(0, "wanted");
    fill(mesh, block, [0, block.k - 1]);
    const { fec, byteLength } = block.manifest;
    const last = (block.k - 1) * fec.symbolBytes;
    expect(fetched(urgentMs, block)).toEqual([
      [0, fec.symbolBytes],
      [last, byteLength],
    ]);
  });

  test("fetches no more symbols than the block lacks when repair symbols have come", () => {
    const { mesh, fetched, urgentMs } = world();
    const block = mesh.addBlock(0, "wanted");
    fill(mesh, block, [0, 2]);
    const repair = block.decoder?.symbol(1) ?? new Uint8Array(0);
    block.decoder?.add(block.k, repair);
    expect(fetched(urgentMs, block)).toEqual([[0, block.manifest.fec.symbolBytes]]);
  });

  test("brings a newcomer its first second early", () => {
    const { mesh, lastResort, fetched } = world();
    const old = mesh.addBlock(0, "wanted", { releasedAt: at(-500) });
    const fresh = mesh.addBlock(1, "wanted", { releasedAt: at(200) });
    expect(fetched(startFetchMs - 1, old)).toEqual([]);
    expect(fetched(startFetchMs, old)).toEqual([[0, old.manifest.byteLength]]);
    expect(fetched(startFetchMs, fresh)).toEqual([]);
    for (let count = 0; count < 2; count++) lastResort.completed(old.manifest);
    expect(fetched(200 + startFetchMs, fresh)).toEqual([]);
  });

  test("is never taken without permission", () => {
    const { mesh, fetched, urgentMs } = world({ fetchMs: 0 });
    expect(fetched(urgentMs, mesh.addBlock(0, "wanted"))).toEqual([]);
  });

  test("fetches what is needed at once, also where nothing ever is fetched", () => {
    const { mesh, lastResort, fetched, urgentMs } = world({ fetchMs: 0 });
    const block = mesh.addBlock(0, "wanted");
    fill(mesh, block, [1]);
    expect(fetched(urgentMs, block)).toEqual([]);
    for (let count = 0; count < 2; count++) lastResort.fetchNow(block);
    const { symbolBytes } = block.manifest.fec;
    expect(mesh.state.outputs).toMatchObject([
      { kind: "fetch", block: block.id, start: symbolBytes, end: 2 * symbolBytes },
    ]);
  });
});
