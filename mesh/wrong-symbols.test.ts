import { expect, test } from "@jest/globals";
import { assert, type BlockId, type Message } from "../core/index.ts";
import { peerIdOf, segmentOf, TestOrigin } from "./testing/test-origin.ts";
import { VirtualNetwork } from "./testing/virtual-network.ts";

const SEED = peerIdOf("seed");
const ALICE = peerIdOf("alice");
const BOB = peerIdOf("bob");
/** Longer than a block is of use. */
const TOO_LONG_MS = 20_000;

function blockAt(sequence: number): BlockId {
  return { rendition: 0, sequence, part: 0 };
}

/** A viewer that is connected to the seed and to another viewer. */
function world() {
  const network = new VirtualNetwork();
  const origin = new TestOrigin();
  network.add(SEED, origin.peer(network.now, "seed", "seed"));
  for (const name of ["alice", "bob"]) {
    network.add(peerIdOf(name), origin.peer(network.now, name, "viewer"));
  }
  for (const neighbour of [SEED, BOB]) network.connect(ALICE, neighbour);
  network.run(200);
  const publish = (block: BlockId, source: Uint8Array) =>
    network.input(SEED, origin.block(network.now, block, source));
  const fromBob = (message: Message) =>
    network.input(ALICE, { kind: "message", neighbour: BOB, message });
  return { network, origin, publish, fromBob };
}

test("a wrong symbol that came before its manifest is laid to who sent it, and not to who brings the manifest", () => {
  const { network, publish, fromBob } = world();
  fromBob({ type: "symbol", block: blockAt(0), esi: 0, bytes: new Uint8Array(5) });
  publish(blockAt(0), segmentOf(0));
  network.run(500);
  expect(network.outputs(ALICE, "rejected")).toMatchObject([{ neighbour: BOB }]);
  expect(network.outputs(ALICE, "disconnect")).toMatchObject([{ neighbour: BOB }]);
  expect(network.outputs(ALICE, "block").length).toBe(1);
});

test("a wrong repair symbol is refused though its block is complete without it", () => {
  const { network, publish, fromBob } = world();
  publish(blockAt(0), segmentOf(0));
  network.run(500);
  const complete = network.outputs(ALICE, "block")[0]?.manifest;
  assert(complete !== undefined, "the block is complete");
  const { block, fec } = complete;
  fromBob({ type: "symbol", block, esi: fec.k, bytes: new Uint8Array(fec.symbolBytes) });
  expect(network.outputs(ALICE, "rejected")).toMatchObject([{ code: "symbol-bad-hash" }]);
});

test("a wrong symbol is refused though the right one is there already", () => {
  const { network, publish, fromBob } = world();
  publish(blockAt(0), segmentOf(0));
  network.run(500);
  expect(network.outputs(ALICE, "block").length).toBe(1);
  const symbol = network
    .outputs(SEED, "transmit")
    .map(({ message }) => message)
    .find((message) => message.type === "symbol" && message.esi === 3);
  assert(symbol?.type === "symbol", "the seed has sent the symbol");
  fromBob(symbol);
  expect(network.outputs(ALICE, "rejected")).toEqual([]);
  fromBob({ ...symbol, bytes: symbol.bytes.map((byte) => byte ^ 1) });
  expect(network.outputs(ALICE, "rejected")).toMatchObject([{ code: "symbol-bad-hash" }]);
  expect(network.outputs(ALICE, "disconnect")).toMatchObject([
    { neighbour: BOB, code: "bad-data" },
  ]);
});

test.each([false, true])(
  "a wrong symbol of a block that is too old is laid to who sent it; that this was known before: %s",
  (isKnown) => {
    const { network, origin, fromBob } = world();
    const { jws, leaves } = origin.block(network.now, blockAt(0), segmentOf(0));
    const message: Message = { type: "manifest", ageMs: TOO_LONG_MS, jws, leaves };
    const tell = () => network.input(ALICE, { kind: "message", neighbour: SEED, message });
    if (isKnown) tell();
    fromBob({ type: "symbol", block: blockAt(0), esi: 0, bytes: new Uint8Array(5) });
    expect(network.outputs(ALICE, "rejected")).toEqual([]);
    tell();
    expect(network.outputs(ALICE, "rejected")).toMatchObject([
      { neighbour: BOB, code: "symbol-bad-hash" },
    ]);
    expect(network.outputs(ALICE, "disconnect")).toMatchObject([{ neighbour: BOB }]);
  },
);
