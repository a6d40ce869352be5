import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { ask, posting, type TestApi, TestOrigin } from "./test-origin.ts";
import { type JoinedPeer, TestPeer } from "./test-peer.ts";

let origin: TestOrigin;
let first: TestApi;
let second: TestApi;
let stream: string;
let streams = 0;
beforeAll(async () => {
  origin = await TestOrigin.start();
  const options = { tokensPerMinute: 1000, seedersFor: "relays" } as const;
  first = await origin.startApi(options);
  second = await origin.startApi(options);
});
beforeEach(async () => {
  streams += 1;
  stream = `stream-${streams}`;
  await origin.registry.create({ id: stream });
});
afterAll(() => origin.stop());

const joinSeed = (api: TestApi) => TestPeer.join(api, stream, origin.internalKey);

async function joinRelay(api: TestApi): Promise<JoinedPeer> {
  const peer = await TestPeer.connect(api);
  const url = `${api.url}/api/v1/streams/${stream}/tokens`;
  const { body } = await ask(url, posting({ publicKey: peer.id, relay: true }, origin.apiKey));
  const token = String(body["token"]);
  return { peer, joined: await peer.joinWith(token), token };
}

/** Ends the wait for what must not come: messages from one peer to another go in order. */
async function nothingBut(from: TestPeer, to: TestPeer): Promise<void> {
  from.signal(to, "after");
  expect(await to.next("signal")).toMatchObject({
    peer: from.id,
    signal: { candidate: "after" },
  });
}

describe("seeds that are for relays only", () => {
  test("are named to relays, and relays to viewers in their place", async () => {
    const { peer: seed } = await joinSeed(first);
    const others = await Promise.all(
      Array.from({ length: 20 }, () => TestPeer.join(first, stream)),
    );
    const relays = await Promise.all([first, second].map((api) => joinRelay(api)));
    for (const { joined } of relays) {
      expect(joined.neighbours[0]).toEqual({ peer: seed.id, role: "seed" });
    }
    const { peer, joined } = await TestPeer.join(second, stream);
    expect(joined.neighbours).toHaveLength(10);
    const relayIds = relays.map((relay) => relay.peer.id).sort();
    expect(
      joined.neighbours
        .slice(0, 2)
        .map((one) => one.peer)
        .sort(),
    ).toEqual(relayIds);
    expect(joined.neighbours.every(({ role }) => role === "viewer")).toBe(true);
    peer.send({ type: "want", count: 2 });
    const { neighbours } = await peer.next("peers");
    expect(neighbours.map((one) => one.peer).sort()).toEqual(relayIds);
    for (const one of [...others, ...relays]) one.peer.close();
    peer.close();
    seed.close();
  });

  test("when they come later, are told of to relays alone", async () => {
    const { peer: viewer } = await TestPeer.join(first, stream);
    const { peer: relay } = await joinRelay(second);
    const { peer: seed } = await joinSeed(first);
    expect((await relay.next("peers")).neighbours).toEqual([{ peer: seed.id, role: "seed" }]);
    await nothingBut(relay, viewer);
    seed.close();
    for (const peer of [viewer, relay]) peer.close();
  });

  test("exchange signals with relays, at any process", async () => {
    const { peer: seed } = await joinSeed(first);
    for (const api of [first, second]) {
      const { peer: relay } = await joinRelay(api);
      relay.signal(seed, "offer");
      expect(await seed.next("signal")).toMatchObject({ peer: relay.id });
      seed.signal(relay, "answer");
      expect(await relay.next("signal")).toMatchObject({ peer: seed.id });
      relay.close();
      expect(await seed.next("left")).toEqual({ type: "left", peer: relay.id });
    }
    seed.close();
  });

  test("hear nothing of a viewer that names them, nor it of them, at any process", async () => {
    const { peer: seed } = await joinSeed(first);
    const { peer: relay } = await joinRelay(first);
    for (const api of [first, second]) {
      const { peer: mallory } = await TestPeer.join(api, stream);
      mallory.signal(seed, "let me in");
      // What a process passes on to another comes in the order in which it was sent there.
      await nothingBut(mallory, relay);
      await nothingBut(relay, seed);
      seed.signal(mallory, "my address");
      await nothingBut(seed, relay);
      if (api === first) {
        expect(await mallory.next("left")).toEqual({ type: "left", peer: seed.id });
        expect(await seed.next("left")).toEqual({ type: "left", peer: mallory.id });
      }
      await nothingBut(relay, mallory);
      mallory.close();
      expect(await relay.next("left")).toEqual({ type: "left", peer: mallory.id });
      await nothingBut(relay, seed);
    }
    for (const peer of [seed, relay]) peer.close();
  });
});

test("a relay may send as much as a seed, as it answers as many", async () => {
  const { peer: relay } = await joinRelay(first);
  for (let count = 0; count < 700; count += 1) relay.signal(relay, `answer ${count}`);
  for (let count = 0; count < 700; count += 1) await relay.next("signal");
  relay.close();
});

test("seeds that are for anyone are named before relays, which fill up their number", async () => {
  const open = await origin.startApi({ tokensPerMinute: 1000 });
  const { peer: seed } = await joinSeed(open);
  const { peer: relay } = await joinRelay(open);
  const { peer, joined } = await TestPeer.join(open, stream);
  expect(joined.neighbours).toEqual([
    { peer: seed.id, role: "seed" },
    { peer: relay.id, role: "viewer" },
  ]);
  peer.signal(seed, "offer");
  expect(await seed.next("signal")).toMatchObject({ peer: peer.id });
  for (const one of [seed, relay, peer]) one.close();
});
