import { describe, expect, test } from "@jest/globals";
import {
  assert,
  type BlockId,
  INIT_PART,
  type Message,
  type PeerRole,
  toHex,
} from "../core/index.ts";
import { initSegment, peerIdOf, segmentOf, TestOrigin } from "./testing/test-origin.ts";
import { type Tamper, VirtualNetwork } from "./testing/virtual-network.ts";
import { uploadBudget } from "./uploads.ts";
import { WatchedMeshPeer } from "./watched-mesh-peer.ts";

const STEP_MS = 20;

/** Several peers of a stream that has a block each second. */
class Swarm {
  readonly network: VirtualNetwork;
  readonly #origin = new TestOrigin();
  readonly #peers = new Map<string, WatchedMeshPeer>();
  /** By viewer, how long after its release each block was complete, in their order. */
  readonly #delaysMs = new Map<string, number[]>();
  #sequence = 0;

  constructor(tamper: Tamper = (message) => [message]) {
    this.network = new VirtualNetwork(20, tamper);
    this.join("seed", "seed", [0, 1]);
    this.publish(INIT_PART, initSegment());
  }

  join(name: string, role: PeerRole = "viewer", renditions: readonly number[] = [0]): void {
    const { now } = this.network;
    const uploads = uploadBudget(now, 2_000_000);
    const options = this.#origin.options(now, name, role, {}, uploads);
    const peer = new WatchedMeshPeer({ ...options, renditions });
    this.#peers.set(name, peer);
    this.network.add(peerIdOf(name), peer);
  }

  connect(...pairs: readonly (readonly [string, string])[]): void {
    for (const [a, b] of pairs) this.network.connect(peerIdOf(a), peerIdOf(b));
    this.network.run(300);
  }

  publish(part: number, source: Uint8Array, rendition = 0): void {
    const { now } = this.network;
    const id: BlockId = { rendition, sequence: this.#sequence, part };
    this.network.input(peerIdOf("seed"), this.#origin.block(now, id, source));
  }

  /** Publishes a block a second, in each rendition. */
  broadcast(blocks: number, renditions: readonly number[] = [0]): void {
    for (let count = 0; count < blocks; count++) {
      for (const rendition of renditions) this.publish(0, segmentOf(this.#sequence), rendition);
      this.#sequence++;
      for (let ms = STEP_MS; ms <= 1000; ms += STEP_MS) {
        this.network.run(STEP_MS);
        for (const name of this.#peers.keys()) this.#noteDelays(name, ms);
      }
    }
  }

  /** How long after its release each block was complete at a viewer; the longest first. */
  delaysMs(name: string): readonly number[] {
    return [...(this.#delaysMs.get(name) ?? [])].sort((a, b) => b - a);
  }

  #noteDelays(name: string, sinceMs: number): void {
    const delays = this.#delaysMs.get(name) ?? [];
    this.#delaysMs.set(name, delays);
    for (const { manifest } of this.played(name).slice(delays.length)) {
      const blocksAgo = this.#sequence - 1 - manifest.block.sequence;
      delays.push(blocksAgo * 1000 + sinceMs);
    }
  }

  /** The media blocks that a viewer completed, in their order. */
  played(name: string) {
    return this.network
      .outputs(peerIdOf(name), "block")
      .filter(({ manifest }) => manifest.block.part === 0);
  }

  /** The sequence numbers of the blocks that a viewer completed, ascending, once their bytes are right. */
  sequences(name: string): number[] {
    const sequences = this.played(name).map(({ manifest, bytes }) => {
      const { sequence } = manifest.block;
      expect(toHex(bytes)).toBe(toHex(segmentOf(sequence)));
      return sequence;
    });
    return sequences.sort((a, b) => a - b);
  }

  /** Lets a viewer follow another rendition from the next block on. */
  follow(name: string, rendition: number): void {
    const renditions = [{ rendition, sequence: this.#sequence }];
    this.network.input(peerIdOf(name), { kind: "follow", renditions });
  }

  /** What a viewer completed, such as "1:7". */
  blocks(name: string): string[] {
    return this.played(name).map(
      ({ manifest: { block } }) => `${block.rendition}:${block.sequence}`,
    );
  }

  standing(of: string, by: string): number | undefined {
    return this.#peers.get(by)?.standing(this.network.now, peerIdOf(of));
  }

  /** Bytes that a viewer got from seeds and from viewers. */
  origins(name: string) {
    const peer = this.#peers.get(name);
    assert(peer !== undefined, "the peer is in the swarm");
    const { fromSeedsBytes, fromViewersBytes, duplicateBytes } = peer.stats;
    return { fromSeedsBytes, fromViewersBytes, duplicateBytes };
  }
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

describe("a chain where only its first viewer knows the seed", () => {
  test("brings every block to its end", () => {
    const swarm = new Swarm();
    const names = ["a", "b", "c", "d"];
    for (const name of names) swarm.join(name);
    swarm.connect(["a", "seed"], ["b", "a"], ["c", "b"], ["d", "c"]);
    swarm.network.run(2000);
    swarm.broadcast(8);
    swarm.network.run(1000);
    for (const name of names) expect(swarm.sequences(name)).toEqual(range(0, 8));
    expect(swarm.origins("d").fromSeedsBytes).toBe(0);
  });

  test("sends hardly any symbol twice", () => {
    const swarm = new Swarm();
    for (const name of ["a", "b"]) swarm.join(name);
    swarm.connect(["a", "seed"], ["b", "a"]);
    swarm.network.run(2000);
    swarm.broadcast(8);
    const { duplicateBytes, fromViewersBytes } = swarm.origins("b");
    expect(duplicateBytes).toBeLessThan(0.02 * fromViewersBytes);
  });
});

describe("a parent that dies without a word", () => {
  test("costs its children no block, and no more than the next two are late", () => {
    const dead = new Set<string>();
    const swarm = new Swarm((message, from, to) =>
      dead.has(from) || dead.has(to) ? [] : [message],
    );
    const children = ["x", "y"];
    for (const name of ["a", "b", ...children]) swarm.join(name);
    swarm.connect(["a", "seed"], ["b", "seed"], ["x", "a"], ["x", "b"], ["y", "a"], ["y", "b"]);
    swarm.network.run(2000);
    swarm.broadcast(5);
    for (const child of children) expect(swarm.standing("a", child)).toBeGreaterThan(5);
    dead.add(peerIdOf("a"));
    swarm.broadcast(8);
    for (const child of children) {
      expect(swarm.sequences(child)).toEqual(range(0, 13));
      expect(swarm.delaysMs(child)[0]).toBeLessThan(2000);
      expect(swarm.delaysMs(child)[2]).toBeLessThan(500);
    }
  });
});

describe("a polluter", () => {
  test("is cut at its first symbol, and what it sent is neither played nor passed on", () => {
    const polluter = peerIdOf("polluter");
    const polluted = (message: Message): Message =>
      message.type === "symbol"
        ? { ...message, bytes: message.bytes.map((byte) => byte ^ 0x55) }
        : message;
    const swarm = new Swarm((message, from) => [from === polluter ? polluted(message) : message]);
    for (const name of ["polluter", "x", "y"]) swarm.join(name);
    swarm.connect(["polluter", "seed"]);
    swarm.broadcast(1);
    swarm.connect(["x", "polluter"], ["y", "x"]);
    swarm.network.run(1000);
    swarm.connect(["x", "seed"]);
    swarm.broadcast(6);
    swarm.network.run(2000);
    const { network } = swarm;
    const x = peerIdOf("x");
    expect(network.outputs(x, "rejected")).toMatchObject([{ code: "symbol-bad-hash" }]);
    expect(network.outputs(x, "disconnect")).toMatchObject([
      { neighbour: polluter, code: "bad-data" },
    ]);
    expect(network.outputs(peerIdOf("y"), "rejected")).toEqual([]);
    for (const name of ["x", "y"]) expect(swarm.sequences(name)).toEqual(range(0, 7));
  });
});

describe("an omitter", () => {
  test("ends distrusted by those to whom it promises, who lose no block", () => {
    const omitter = peerIdOf("omitter");
    const swarm = new Swarm((message, from, to) => {
      if (from !== omitter || to === peerIdOf("seed")) return [message];
      return message.type === "symbol" || message.type === "decline" ? [] : [message];
    });
    for (const name of ["omitter", "honest", "x"]) swarm.join(name);
    swarm.connect(["omitter", "seed"], ["honest", "seed"], ["x", "omitter"], ["x", "honest"]);
    swarm.network.run(2000);
    swarm.broadcast(15);
    swarm.network.run(2000);
    expect(swarm.sequences("x")).toEqual(range(0, 15));
    expect(swarm.standing("omitter", "x")).toBeLessThan(-3);
    expect(swarm.standing("honest", "x")).toBeGreaterThan(50);
  });
});

describe("a neighbour that makes blocks older than they are", () => {
  test.each([3900, 60_000])("by %d ms costs its children and theirs no block", (byMs) => {
    const liar = peerIdOf("liar");
    let isLying = false;
    const swarm = new Swarm((message, from, to) => {
      // What the victim gets by push alone is not enough, so that blocks take their time.
      if (message.type === "symbol" && message.esi < 4 && to === peerIdOf("x")) return [];
      if (!isLying || from !== liar || message.type !== "manifest") return [message];
      return [{ ...message, ageMs: message.ageMs + byMs }];
    });
    for (const name of ["a", "b", "liar", "x", "y"]) swarm.join(name);
    swarm.connect(["a", "seed"], ["b", "seed"], ["liar", "seed"]);
    swarm.connect(["x", "liar"], ["y", "x"]);
    swarm.network.run(2000);
    swarm.broadcast(2);
    swarm.connect(["x", "a"], ["x", "b"]);
    swarm.broadcast(3);
    isLying = true;
    swarm.broadcast(7);
    swarm.network.run(2000);
    for (const name of ["x", "y"]) {
      expect(swarm.sequences(name)).toEqual(range(0, 12));
      expect(swarm.network.outputs(peerIdOf(name), "missing")).toEqual([]);
    }
  });
});

describe("a viewer that changes to another rendition", () => {
  test("gets every block of it from there on, none of the old one, and strikes nobody", () => {
    const swarm = new Swarm();
    for (const name of ["mover", "stayer", "behind"]) swarm.join(name);
    swarm.connect(["mover", "seed"], ["stayer", "seed"], ["behind", "mover"], ["behind", "stayer"]);
    swarm.network.run(2000);
    swarm.broadcast(4, [0, 1]);
    swarm.follow("mover", 1);
    swarm.broadcast(4, [0, 1]);
    swarm.follow("mover", 0);
    swarm.broadcast(4, [0, 1]);
    swarm.network.run(1000);
    const of = (rendition: number, first: number, end: number) =>
      range(first, end).map((sequence) => `${rendition}:${sequence}`);
    expect(swarm.blocks("mover")).toEqual([...of(0, 0, 4), ...of(1, 4, 8), ...of(0, 8, 12)]);
    for (const name of ["stayer", "behind"]) expect(swarm.blocks(name)).toEqual(of(0, 0, 12));
    for (const name of ["seed", "mover", "stayer", "behind"]) {
      expect(swarm.network.outputs(peerIdOf(name), "rejected")).toEqual([]);
    }
  });

  test("gives up in the middle of a block what it no longer wants", () => {
    const swarm = new Swarm((message) => (message.type === "symbol" ? [] : [message]));
    swarm.join("mover");
    swarm.connect(["mover", "seed"]);
    swarm.broadcast(1, [0, 1]);
    swarm.follow("mover", 1);
    const missing = swarm.network.outputs(peerIdOf("mover"), "missing");
    expect(missing.map(({ block }) => [block.rendition, block.part])).toContainEqual([0, 0]);
    expect(swarm.network.outputs(peerIdOf("mover"), "block")).toEqual([]);
  });
});

describe("of several renditions", () => {
  test("a peer gets those only that it follows, and passes them on", () => {
    const swarm = new Swarm();
    swarm.join("low", "viewer", [1]);
    swarm.join("behind", "viewer", [1]);
    swarm.join("both", "viewer", [0, 1]);
    swarm.connect(["low", "seed"], ["both", "seed"], ["behind", "low"], ["both", "low"]);
    swarm.network.run(2000);
    swarm.broadcast(6, [0, 1]);
    swarm.network.run(2000);
    const renditionsOf = (name: string) =>
      swarm.played(name).map(({ manifest }) => manifest.block.rendition);
    expect(renditionsOf("low")).toEqual(new Array(6).fill(1));
    expect(renditionsOf("behind")).toEqual(new Array(6).fill(1));
    expect(renditionsOf("both").length).toBe(12);
    const toLow = swarm.network
      .outputs(peerIdOf("seed"), "transmit")
      .filter(({ neighbour }) => neighbour === peerIdOf("low"))
      .flatMap(({ message }) => (message.type === "symbol" ? [message.block.rendition] : []));
    expect(new Set(toLow)).toEqual(new Set([1]));
  });
});
