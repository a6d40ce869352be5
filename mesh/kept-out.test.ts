import { expect, test } from "@jest/globals";
import { after } from "../core/index.ts";
import { peerIdOf, segmentOf, TestOrigin } from "./testing/test-origin.ts";
import { type Tamper, VirtualNetwork } from "./testing/virtual-network.ts";

const SEED = peerIdOf("seed");
const ALICE = peerIdOf("alice");

/** A viewer and a seed that are connected. */
function world(tamper?: Tamper) {
  const network = new VirtualNetwork(20, tamper);
  const origin = new TestOrigin();
  network.add(SEED, origin.peer(network.now, "seed", "seed"));
  network.add(ALICE, origin.peer(network.now, "alice", "viewer"));
  network.connect(ALICE, SEED);
  network.run(200);
  const publish = (sequence: number) => {
    const block = { rendition: 0, sequence, part: 0 };
    network.input(SEED, origin.block(network.now, block, segmentOf(sequence)));
    network.run(5000);
  };
  const cuts = () => network.outputs(ALICE, "disconnect").map(({ code }) => code);
  return { network, publish, cuts };
}

test("who was cut for a wrong symbol is not let in again", () => {
  const { network, publish, cuts } = world((message) => [
    message.type === "symbol"
      ? { ...message, bytes: message.bytes.map((byte) => byte ^ 1) }
      : message,
  ]);
  publish(0);
  network.connect(SEED, ALICE);
  publish(1);
  expect(network.outputs(ALICE, "rejected").length).toBe(1);
  expect(cuts()).toEqual(["bad-data", "refused"]);
});

test("a peer whose token was revoked is parted from, and let in again when that has ended", () => {
  const { network, publish, cuts } = world();
  publish(0);
  const until = after(network.now, 60_000);
  network.input(ALICE, { kind: "revoked", peer: SEED, until });
  expect(cuts()).toEqual(["refused"]);
  network.connect(SEED, ALICE);
  publish(1);
  expect(cuts()).toEqual(["refused", "refused"]);
  expect(network.outputs(ALICE, "block").length).toBe(1);
  network.run(60_000);
  network.connect(SEED, ALICE);
  publish(60);
  expect(cuts().length).toBe(2);
  expect(network.outputs(ALICE, "block").length).toBeGreaterThan(1);
});
