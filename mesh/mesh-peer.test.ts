import { describe, expect, test } from "@jest/globals";
import {
  after,
  assert,
  type BlockId,
  INIT_PART,
  MANIFEST_CLASS,
  type Message,
  messageByteLength,
  toHex,
} from "../core/index.ts";
import type { BlockPort } from "./block-port.ts";
import { MeshPeer } from "./mesh-peer.ts";
import {
  initSegment,
  peerIdOf,
  secretKeyOf,
  segmentOf,
  TestOrigin,
} from "./testing/test-origin.ts";
import { type Tamper, VirtualNetwork } from "./testing/virtual-network.ts";
import { uploadBudget } from "./uploads.ts";

const SEED = peerIdOf("seed");
const ALICE = peerIdOf("alice");
const BOB = peerIdOf("bob");
const INIT: BlockId = { rendition: 0, sequence: 0, part: INIT_PART };

function blockAt(sequence: number): BlockId {
  return { rendition: 0, sequence, part: 0 };
}

function world(tamper?: Tamper, uploadBytesPerS = 100_000_000) {
  const network = new VirtualNetwork(20, tamper);
  const origin = new TestOrigin();
  const uploads = uploadBudget(network.now, uploadBytesPerS);
  network.add(SEED, origin.peer(network.now, "seed", "seed", {}, uploads));
  for (const name of ["alice", "bob"]) {
    network.add(peerIdOf(name), origin.peer(network.now, name, "viewer"));
  }
  const publish = (block: BlockId, source: Uint8Array) =>
    network.input(SEED, origin.block(network.now, block, source));
  return { network, origin, publish };
}

/** Whether it carries a repair symbol: media blocks of these tests have 32 source symbols. */
function isRepair(message: Message): boolean {
  return message.type === "symbol" && message.esi >= 32;
}

function mediaOf(network: VirtualNetwork, id: string): Map<number, string> {
  return new Map(
    network
      .outputs(id, "block")
      .filter(({ manifest }) => manifest.block.part === 0)
      .map(({ manifest, bytes }) => [manifest.block.sequence, toHex(bytes)]),
  );
}

/** Changes the messages of one type that the seed sends. */
function tamperWith<Type extends Message["type"]>(
  type: Type,
  change: (message: Extract<Message, { type: Type }>) => readonly Message[],
): Tamper {
  const isOfType = (message: Message): message is Extract<Message, { type: Type }> =>
    message.type === type;
  return (message, from) => (from === SEED && isOfType(message) ? change(message) : [message]);
}

describe("a viewer", () => {
  test("gets the init segment and every block from a seed", () => {
    const { network, publish } = world();
    publish(INIT, initSegment());
    publish(blockAt(0), segmentOf(0));
    network.connect(ALICE, SEED);
    network.run(500);
    publish(blockAt(1), segmentOf(1));
    network.run(500);
    const blocks = network.outputs(ALICE, "block");
    const init = blocks.find(({ manifest }) => manifest.block.part === INIT_PART);
    expect(toHex(init?.bytes ?? new Uint8Array())).toBe(toHex(initSegment()));
    expect(blocks.length).toBe(3);
    expect(mediaOf(network, ALICE)).toEqual(
      new Map([0, 1].map((sequence) => [sequence, toHex(segmentOf(sequence))])),
    );
    expect(network.outputs(ALICE, "rejected")).toEqual([]);
  });

  test("gets blocks from another viewer when it knows no seed", () => {
    const { network, publish } = world();
    network.connect(ALICE, SEED);
    network.connect(BOB, ALICE);
    network.run(200);
    publish(INIT, initSegment());
    publish(blockAt(0), segmentOf(0));
    network.run(1000);
    expect(mediaOf(network, BOB).get(0)).toBe(toHex(segmentOf(0)));
  });

  test("is not told of blocks whose manifest has expired", () => {
    const { network, publish } = world();
    publish(INIT, initSegment());
    publish(blockAt(0), segmentOf(0));
    network.run(121_000);
    publish(blockAt(1), segmentOf(1));
    network.connect(ALICE, SEED);
    network.run(1000);
    expect([...mediaOf(network, ALICE).keys()]).toEqual([1]);
    expect(network.outputs(ALICE, "rejected")).toEqual([]);
  });

  test("decodes a block from repair symbols when source symbols never come", () => {
    const { network, publish } = world(
      tamperWith("symbol", (symbol) => (symbol.esi < 3 ? [] : [symbol])),
    );
    network.connect(ALICE, SEED);
    publish(blockAt(0), segmentOf(0));
    network.run(3500);
    expect(mediaOf(network, ALICE).get(0)).toBe(toHex(segmentOf(0)));
    expect(network.outputs(SEED, "transmit").some(({ message }) => isRepair(message))).toBe(true);
  });

  test("completes a block with what was fetched of it, and takes no wrong byte", () => {
    const { network, publish } = world(
      tamperWith("symbol", (symbol) => (symbol.esi < 3 || isRepair(symbol) ? [] : [symbol])),
    );
    network.connect(ALICE, SEED);
    network.run(300);
    publish(blockAt(0), segmentOf(0));
    network.run(2000);
    const fetches = network.outputs(ALICE, "fetch").filter(({ block }) => block.part === 0);
    expect(fetches.length).toBe(1);
    for (const { block, start, end } of fetches) {
      const bytes = segmentOf(0).subarray(start, end);
      const wrong = Uint8Array.from(bytes, (byte) => byte ^ 1);
      network.input(ALICE, { kind: "fetched", block, start, bytes: wrong });
      network.input(ALICE, { kind: "fetched", block, start, bytes: bytes.subarray(0, 10) });
      expect(mediaOf(network, ALICE).has(0)).toBe(false);
      network.input(ALICE, { kind: "fetched", block, start, bytes });
    }
    expect(mediaOf(network, ALICE).get(0)).toBe(toHex(segmentOf(0)));
  });

  test("tells of a block that did not come in time, once", () => {
    const { network, publish } = world(tamperWith("symbol", () => []));
    network.connect(ALICE, SEED);
    publish(blockAt(7), segmentOf(7));
    network.run(10_000);
    expect(network.outputs(ALICE, "missing")).toEqual([{ kind: "missing", block: blockAt(7) }]);
  });
});

describe("of older blocks a viewer", () => {
  test("takes the two newest at its start", () => {
    const { network, publish } = world();
    for (const sequence of [0, 1, 2, 3]) {
      publish(blockAt(sequence), segmentOf(sequence));
      network.run(600);
    }
    network.connect(ALICE, SEED);
    network.run(3000);
    expect([...mediaOf(network, ALICE).keys()].sort()).toEqual([2, 3]);
  });

  test("is told by a new source of manifests", () => {
    const { network, publish } = world();
    network.connect(ALICE, SEED);
    network.run(2000);
    const unsubscribe: Message = { type: "subscribe", rendition: 0, classes: 0 };
    network.input(SEED, { kind: "message", neighbour: ALICE, message: unsubscribe });
    publish(blockAt(0), segmentOf(0));
    network.run(500);
    expect(network.outputs(ALICE, "manifest")).toEqual([]);
    const subscribe: Message = { ...unsubscribe, classes: 1 << MANIFEST_CLASS };
    network.input(SEED, { kind: "message", neighbour: ALICE, message: subscribe });
    network.run(500);
    expect(network.outputs(ALICE, "manifest").map(({ manifest }) => manifest.block)).toEqual([
      blockAt(0),
    ]);
  });
});

describe("an init segment", () => {
  test("is passed on to one that came between it and its media", () => {
    const { network, publish } = world();
    network.connect(ALICE, SEED);
    network.run(200);
    publish(INIT, initSegment());
    network.run(200);
    network.connect(BOB, ALICE);
    network.run(200);
    publish(blockAt(0), segmentOf(0));
    network.run(1000);
    const parts = network.outputs(BOB, "block").map(({ manifest }) => manifest.block.part);
    expect(new Set(parts)).toEqual(new Set([INIT_PART, 0]));
  });

  test("is asked for as long as media need it", () => {
    let isLost = true;
    const { network, publish } = world(
      tamperWith("symbol", (symbol) => (isLost && symbol.block.part === INIT_PART ? [] : [symbol])),
    );
    network.connect(ALICE, SEED);
    publish(INIT, initSegment());
    publish(blockAt(0), segmentOf(0));
    network.run(10_000);
    expect(network.outputs(ALICE, "missing")).toEqual([]);
    isLost = false;
    network.run(2000);
    const parts = network.outputs(ALICE, "block").map(({ manifest }) => manifest.block.part);
    expect(parts).toEqual([0, INIT_PART]);
  });
});

describe("what is refused", () => {
  test("a symbol with one flipped byte, and its sender is cut", () => {
    const { network, publish } = world(
      tamperWith("symbol", (symbol) => {
        const bytes = symbol.bytes.slice();
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        return [{ ...symbol, bytes }];
      }),
    );
    network.connect(ALICE, SEED);
    publish(blockAt(0), segmentOf(0));
    network.run(5000);
    expect(network.outputs(ALICE, "rejected").map(({ code }) => code)).toEqual(["symbol-bad-hash"]);
    expect(network.outputs(ALICE, "disconnect").map(({ code }) => code)).toEqual(["bad-data"]);
    expect(mediaOf(network, ALICE).size).toBe(0);
  });

  const replaced = [
    ["a manifest signed by another key", "manifest-unknown-key", "key"],
    ["an expired manifest", "manifest-expired", "expired"],
    ["a manifest of another stream", "manifest-wrong-stream", "stream"],
  ] as const;
  test.each(replaced)("%s", (_, code, fault) => {
    const { network, origin } = world();
    const block = {
      key: () => origin.block(network.now, blockAt(0), segmentOf(0), {}, secretKeyOf("thief")),
      expired: () => origin.block(after(network.now, -121_000), blockAt(0), segmentOf(0)),
      stream: () => new TestOrigin("other").block(network.now, blockAt(0), segmentOf(0)),
    }[fault]();
    network.connect(ALICE, SEED);
    network.run(200);
    const { jws, leaves } = block;
    const message = { type: "manifest", ageMs: 0, jws, leaves } as const;
    network.input(ALICE, { kind: "message", neighbour: SEED, message });
    network.run(1000);
    expect(network.outputs(ALICE, "rejected").map((rejected) => rejected.code)).toEqual([code]);
    expect(network.outputs(ALICE, "manifest")).toEqual([]);
  });

  test("leaf hashes that do not give the signed root", () => {
    const { network, origin } = world();
    network.connect(ALICE, SEED);
    network.run(200);
    const { jws, leaves } = origin.block(network.now, blockAt(0), segmentOf(0));
    const message = { type: "manifest", ageMs: 0, jws, leaves: [...leaves].reverse() } as const;
    network.input(ALICE, { kind: "message", neighbour: SEED, message });
    expect(network.outputs(ALICE, "rejected")[0]?.code).toBe("manifest-bad-leaves");
  });

  test("a hello whose proof is of another connection", () => {
    const { network, origin } = world();
    const mallory = peerIdOf("mallory");
    network.add(mallory, origin.peer(network.now, "mallory", "viewer"));
    network.connect(mallory, SEED);
    const [hello] = network.outputs(mallory, "transmit");
    assert(hello !== undefined, "a peer says hello first");
    network.connect(ALICE, BOB);
    network.input(ALICE, { kind: "message", neighbour: BOB, message: hello.message });
    expect(network.outputs(ALICE, "rejected")[0]?.code).toBe("hello-wrong-peer");
    expect(network.outputs(ALICE, "disconnect")[0]?.code).toBe("refused");
  });

  test("more messages before the hello than can be kept", () => {
    const { network } = world(tamperWith("hello", () => []));
    network.connect(ALICE, SEED);
    const bytes = new Uint8Array(60_000);
    const message = { type: "symbol", block: blockAt(0), esi: 0, bytes } as const;
    for (let count = 1; count <= 5; count++) {
      expect(network.outputs(ALICE, "rejected")).toEqual([]);
      network.input(ALICE, { kind: "message", neighbour: SEED, message });
    }
    expect(network.outputs(ALICE, "rejected").map(({ code }) => code)).toEqual(["wire-no-hello"]);
  });

  test("bytes that are no message, and their sender is cut", () => {
    const { network } = world();
    network.connect(ALICE, BOB);
    network.input(ALICE, { kind: "malformed", neighbour: BOB, detail: "Unknown type 99." });
    expect(network.outputs(ALICE, "disconnect").map(({ code }) => code)).toEqual([
      "protocol-error",
    ]);
  });
});

describe("a neighbour", () => {
  test("that leaves says so and is gone at once", () => {
    const { network } = world();
    network.connect(ALICE, SEED);
    network.run(200);
    network.input(SEED, { kind: "leave" });
    network.run(100);
    expect(network.outputs(ALICE, "disconnect").map(({ code }) => code)).toEqual(["leaving"]);
  });

  test("that sends no hello is cut after five seconds", () => {
    const { network } = world(tamperWith("hello", () => []));
    network.connect(ALICE, SEED);
    network.run(5100);
    expect(network.outputs(ALICE, "disconnect").map(({ code }) => code)).toEqual(["silent"]);
  });

  test("that falls silent is cut after six seconds", () => {
    let isSilent = false;
    const { network } = world((message, from) => (isSilent && from === SEED ? [] : [message]));
    network.connect(ALICE, SEED);
    network.run(1000);
    isSilent = true;
    network.run(4500);
    expect(network.outputs(ALICE, "disconnect")).toEqual([]);
    network.run(3000);
    expect(network.outputs(ALICE, "disconnect").map(({ code }) => code)).toEqual(["silent"]);
  });
});

test("an upload budget bounds what a seed sends", () => {
  const bytesPerS = 20_000;
  const { network, publish } = world(undefined, bytesPerS);
  network.connect(ALICE, SEED);
  network.run(100);
  publish(blockAt(0), segmentOf(0, 400_000));
  network.run(2000);
  const sentBytes = network
    .outputs(SEED, "transmit")
    .reduce((sum, { message }) => sum + messageByteLength(message), 0);
  expect(sentBytes).toBeGreaterThan(bytesPerS);
  expect(sentBytes).toBeLessThan(65_536 + 2 * bytesPerS + 20_000);
});

test("manifests asked for over and over: few are sent, and who goes on is cut", () => {
  const { network, publish } = world();
  network.connect(ALICE, SEED);
  network.run(200);
  publish(blockAt(0), segmentOf(0));
  const ask: Message = { type: "request", block: blockAt(0), withinMs: 1000, esis: [] };
  const manifests = () =>
    network.outputs(SEED, "transmit").filter(({ message }) => message.type === "manifest");
  for (let count = 0; count < 200; count++) {
    network.input(SEED, { kind: "message", neighbour: ALICE, message: ask });
  }
  expect(manifests().length).toBeLessThan(40);
  expect(network.outputs(SEED, "disconnect")).toEqual([]);
  for (let count = 0; count < 1000; count++) {
    network.input(SEED, { kind: "message", neighbour: ALICE, message: ask });
  }
  expect(manifests().length).toBeLessThan(40);
  const refusals = network.outputs(SEED, "rejected").map(({ code }) => code);
  expect(refusals).toEqual(["message-flood", "message-flood", "message-flood"]);
  expect(network.outputs(SEED, "disconnect").map(({ code }) => code)).toEqual(["bad-data"]);
});

test("a seed pushes no classes of renditions that it does not have", () => {
  const { network, publish } = world();
  network.connect(ALICE, SEED);
  network.run(200);
  const granted = (rendition: number) => {
    const message: Message = { type: "subscribe", rendition, classes: 0x1_ff };
    network.input(SEED, { kind: "message", neighbour: ALICE, message });
    const sent = network.outputs(SEED, "transmit").map(({ message }) => message);
    return sent.flatMap((message) => (message.type === "serve" ? [message.classes] : [])).at(-1);
  };
  expect(granted(7)).toBe(0);
  publish({ ...blockAt(0), rendition: 7 }, segmentOf(0));
  expect(granted(7)).toBe(0x1_ff);
});

test("a round trip is measured by the first answer to a ping, and by nothing else", () => {
  const { network, origin } = world();
  const carol = origin.peer(network.now, "carol", "viewer");
  const id = peerIdOf("carol");
  network.add(id, carol);
  network.connect(id, SEED);
  const rttMs = () => carol.health(network.now).neighbours[0]?.rttMs;
  const pings = () =>
    network
      .outputs(id, "transmit")
      .flatMap(({ message }) => (message.type === "ping" ? [message.id] : []));
  network.run(30);
  expect(pings().length).toBe(1); // Its answer is still on the way.
  for (let guess = 0; guess < 10; guess++) {
    const pong: Message = { type: "pong", id: guess };
    network.input(id, { kind: "message", neighbour: SEED, message: pong });
  }
  expect(rttMs()).toBe(100);
  network.run(500);
  const measured = rttMs();
  expect(measured).toBeLessThan(100);
  for (const answered of pings()) {
    const pong: Message = { type: "pong", id: answered };
    network.input(id, { kind: "message", neighbour: SEED, message: pong });
  }
  expect(rttMs()).toBe(measured);
});

test("an old manifest is checked once, however often and as whatever it is replayed", () => {
  const network = new VirtualNetwork();
  const origin = new TestOrigin();
  const options = origin.options(network.now, "alice", "viewer");
  let checks = 0;
  const blocks: BlockPort = {
    ...options.blocks,
    verify: (...manifest) => {
      checks++;
      return options.blocks.verify(...manifest);
    },
  };
  network.add(ALICE, new MeshPeer({ ...options, blocks }));
  for (const name of ["a", "b", "c"]) {
    network.add(peerIdOf(name), origin.peer(network.now, name, "viewer"));
    network.connect(ALICE, peerIdOf(name));
  }
  network.run(200);
  const tell = (name: string, { jws, leaves }: ReturnType<TestOrigin["block"]>) => {
    const message: Message = { type: "manifest", ageMs: 0, jws, leaves };
    network.input(ALICE, { kind: "message", neighbour: peerIdOf(name), message });
  };
  const old = origin.block(network.now, blockAt(0), segmentOf(0));
  network.run(60_000);
  for (const name of ["a", "b", "c"])
    tell(name, origin.block(network.now, blockAt(9), segmentOf(9)));
  expect(checks).toBe(1);
  for (let replays = 0; replays < 20; replays++) tell("c", old);
  expect(checks).toBe(2);
  network.run(5000);
  expect(network.outputs(ALICE, "missing").map(({ block }) => block.sequence)).toEqual([9]);
});

test("a manifest of a rendition that is not followed is refused", () => {
  const { network, origin } = world();
  network.connect(ALICE, SEED);
  network.run(200);
  const { jws, leaves } = origin.block(network.now, { ...blockAt(0), rendition: 7 }, segmentOf(0));
  const message: Message = { type: "manifest", ageMs: 0, jws, leaves };
  network.input(ALICE, { kind: "message", neighbour: SEED, message });
  expect(network.outputs(ALICE, "rejected")).toMatchObject([{ code: "manifest-unwanted" }]);
});
