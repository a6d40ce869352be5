import { describe, expect, test } from "@jest/globals";
import { INIT_PART, LAG_UNKNOWN, LAGS } from "../core/index.ts";
import { Announcements } from "./announcements.ts";
import { FanOut } from "./fan-out.ts";
import { FeedRates } from "./feed-rates.ts";
import { Liveness } from "./liveness.ts";
import { Subscriptions } from "./subscriptions.ts";
import { initSegment } from "./testing/test-origin.ts";
import { at, START, TestState } from "./testing/test-state.ts";
import { Uploads } from "./uploads.ts";

function world() {
  const mesh = new TestState("viewer", { uploadBytesPerS: 120_000 });
  const rates = new FeedRates();
  const uploads = new Uploads(mesh.state);
  const fanOut = new FanOut(mesh.state, uploads, rates);
  const subscriptions = new Subscriptions(mesh.state, [0], {
    liveness: new Liveness(mesh.state),
    copies: () => 1,
  });
  const announcements = new Announcements(mesh.state, { subscriptions, fanOut, uploads });
  return { mesh, rates, subscriptions, announcements };
}

/** Adds the init segment of the stream. */
function addInit(mesh: TestState): void {
  const id = { rendition: 0, sequence: 0, part: INIT_PART };
  const { jws, leaves, symbols } = mesh.origin.block(START, id, initSegment());
  const manifest = mesh.state.options.blocks.verify(START, jws, leaves);
  mesh.state.cache.addPublished(START, { manifest, jws, leaves }, symbols);
}

describe("a status", () => {
  test("tells capacity, spare classes and lags, each second", () => {
    const { mesh, rates, subscriptions, announcements } = world();
    rates.add(mesh.addBlock(0, "published").manifest);
    const parent = mesh.join("parent", { lagMs: 40, spare: 17 });
    parent.score.delivered(START);
    subscriptions.maintain(START);
    subscriptions.answered(START, parent, { type: "serve", rendition: 0, classes: 1, spare: 0 });
    announcements.status(START);
    const [status] = mesh.sent("status");
    expect(status?.message).toMatchObject({ type: "status", capacityKbps: 960, spare: 14 });
    const lags = [...(status?.message.feeds[0]?.lags ?? [])];
    expect(lags).toEqual([8, ...new Array(LAGS - 1).fill(LAG_UNKNOWN)]);
    announcements.status(at(999));
    expect(mesh.sent("status")).toEqual([]);
    announcements.status(at(1000));
    expect(mesh.sent("status").length).toBe(1);
  });

  test("goes out sooner when more classes are served than was told", () => {
    const { mesh, subscriptions, announcements } = world();
    const parent = mesh.join("parent", { lagMs: 40, spare: 17 });
    announcements.status(START);
    mesh.sent("status");
    subscriptions.maintain(START);
    subscriptions.answered(START, parent, { type: "serve", rendition: 0, classes: 1, spare: 0 });
    announcements.status(at(249));
    expect(mesh.sent("status")).toEqual([]);
    announcements.status(at(250));
    expect(mesh.sent("status").length).toBe(1);
  });
});

describe("a block", () => {
  test("that is complete is told to viewers that hear of none, and to parents that still push it", () => {
    const { mesh, announcements } = world();
    const block = mesh.addBlock(0, "published");
    const [unaware, having] = [mesh.join("unaware"), mesh.join("having")];
    mesh.join("aware", { lagMs: 500 });
    const [seed, pushing] = ["seed", "pushing"].map((name) => mesh.join(name, { role: "seed" }));
    block.heldBy(
      having,
      Array.from({ length: block.k }, (_, esi) => esi),
    );
    if (pushing !== undefined) announcements.completed(block, new Set([pushing]));
    const told = mesh.sent("have");
    expect(told.map(({ to }) => to)).toEqual([unaware.id, pushing?.id]);
    expect(told.map(({ to }) => to)).not.toContain(seed?.id);
    expect(told[0]?.message.esis.length).toBe(block.n);
  });

  test("is told with its age, after the init segment that it needs, which is told once", () => {
    const { mesh, announcements } = world();
    addInit(mesh);
    const block = mesh.addBlock(1, "published");
    const alice = mesh.join("alice");
    mesh.state.outputs.length = 0;
    announcements.manifest(at(1234), alice, block);
    announcements.manifest(at(99_999), alice, block);
    const told = mesh.state.outputs.map((output) =>
      output.kind === "transmit" ? output.message : undefined,
    );
    expect(told.map((message) => message?.type)).toEqual(["have", "manifest", "manifest"]);
    expect(told[0]).toMatchObject({ block: { part: INIT_PART } });
    expect(told.slice(1)).toMatchObject([{ ageMs: 1234 }, { ageMs: 65_535 }]);
  });
});
