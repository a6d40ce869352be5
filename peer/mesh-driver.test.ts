import { afterEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import {
  chooseFec,
  decodeMessage,
  encodeMessage,
  INIT_PART,
  type InstantMs,
  jwkOf,
  type KeySet,
  keyIdOf,
  leafHash,
  merkleRoot,
  type PeerRole,
  plainKernel,
  Random,
  signJoinToken,
  signManifest,
  symbolOf,
  toBase64Url,
  toHex,
  utf8,
} from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import { blockPort, type MeshLimits, MeshPeer, type Output, uploadBudget } from "../mesh/index.ts";
import { createIdentity, type Identity } from "./identity.ts";
import { MeshDriver } from "./mesh-driver.ts";
import { createNodeConnector } from "./node/index.ts";
import { type Channel, QUEUED_BYTES_MAX } from "./transport.ts";
import { createClock } from "./wall-clock.ts";
import { WebRtcTransport } from "./webrtc-transport.ts";

const STREAM = "demo";
const LIMITS: MeshLimits = {
  perPeerUploadBytesPerS: 1e9,
  cacheBytesMax: 256 * 1024 * 1024,
  maxDelayMs: 20_000,
};
const originKeys = { manifest: createIdentity(nodeCrypto), token: createIdentity(nodeCrypto) };

function trustedKeys(): KeySet {
  const purposes = ["manifest", "token"] as const;
  return new Map(
    purposes.map((purpose) => {
      const publicKey = nodeCrypto.publicKeyOf(originKeys[purpose].secretKey);
      return [jwkOf(publicKey, purpose, nodeCrypto).kid, { publicKey, purpose }];
    }),
  );
}

function signerOf({ secretKey }: Identity) {
  return [
    keyIdOf(nodeCrypto.publicKeyOf(secretKey), nodeCrypto),
    (message: Uint8Array) => nodeCrypto.sign(message, secretKey),
  ] as const;
}

/** A block as a seed publishes it; part 0 needs the init segment of `initBytes`. */
function publication(now: InstantMs, sequence: number, part: number, source: Uint8Array) {
  const fec = chooseFec(source.length);
  const repair = plainKernel.encode(source, fec);
  const leaves = Array.from({ length: fec.n }, (_, esi) =>
    leafHash(nodeCrypto, symbolOf(fec, source, repair, esi)),
  );
  const issuedAtS = Math.floor(now / 1000);
  const manifest = {
    stream: STREAM,
    session: "session",
    block: { rendition: 0, sequence, part },
    last: true,
    discontinuity: 0,
    init: part === INIT_PART ? null : { sequence: 0, sha256: digestOf(initBytes) },
    durationMs: 1000,
    programDateTimeMs: now,
    completedAtMs: now,
    byteLength: source.length,
    sha256: digestOf(source),
    fec,
    root: toBase64Url(merkleRoot(nodeCrypto, leaves)),
    issuedAtS,
    expiresAtS: issuedAtS + 120,
  };
  const jws = signManifest(manifest, ...signerOf(originKeys.manifest));
  const symbols = leaves.map((_, esi) => symbolOf(fec, source, repair, esi));
  return { kind: "publish", jws, leaves, symbols } as const;
}

function digestOf(bytes: Uint8Array): string {
  return toBase64Url(nodeCrypto.sha256(bytes));
}

const initBytes = utf8("init ".repeat(100));

/** One peer over real WebRTC on loopback. Its signals go to the peer that it knows. */
class Peer {
  readonly identity: Identity = createIdentity(nodeCrypto);
  readonly now: () => InstantMs = createClock();
  readonly outputs: Output[] = [];
  /** For each closed channel, whether one side wanted that. */
  readonly driver: MeshDriver;
  readonly transport: WebRtcTransport;
  highestQueue = 0;
  /** Takes this peer's signals for the other. */
  other: { readonly transport: Pick<WebRtcTransport, "handleSignal"> } | undefined;
  #onOutput: () => void = () => undefined;

  constructor(role: PeerRole) {
    const issuedAtS = Math.floor(this.now() / 1000);
    const validity = { tokenId: role, issuedAtS, expiresAtS: issuedAtS + 300 };
    const claims = { stream: STREAM, peer: this.identity.id, role, ...validity };
    this.driver = new MeshDriver({
      mesh: new MeshPeer({
        uploads: uploadBudget(this.now(), 1e9),
        stream: STREAM,
        role,
        peer: this.identity,
        token: signJoinToken(claims, ...signerOf(originKeys.token)),
        keys: trustedKeys(),
        crypto: nodeCrypto,
        blocks: blockPort(STREAM, trustedKeys(), nodeCrypto),
        random: new Random(1),
        limits: LIMITS,
      }),
      now: this.now,
      log: pino({ level: "silent" }),
      onOutput: (output) => {
        this.outputs.push(output);
        this.#onOutput();
      },
    });
    this.transport = new WebRtcTransport({
      self: this.identity.id,
      connector: createNodeConnector({ bindAddress: "127.0.0.1" }),
      sendSignal: (_, signal) => this.other?.transport.handleSignal(this.identity.id, signal),
      onChannel: (channel) => this.driver.attach(this.#measured(channel), false),
    });
  }

  async dial(other: Peer): Promise<Channel> {
    this.other = other;
    other.other = this;
    const channel = await this.transport.dial(other.identity.id);
    this.driver.attach(this.#measured(channel), true);
    return channel;
  }

  async saw(isIt: (output: Output) => boolean, count = 1): Promise<Output[]> {
    while (this.outputs.filter(isIt).length < count) {
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
    }
    return this.outputs.filter(isIt);
  }

  async close(): Promise<void> {
    this.driver.close();
    await this.transport.close();
  }

  /** The same channel, with a note of how much ever waited on it. */
  #measured(channel: Channel): Channel {
    const send = channel.send.bind(channel);
    channel.send = (bytes) => {
      send(bytes);
      this.highestQueue = Math.max(this.highestQueue, channel.bufferedAmount);
    };
    return channel;
  }
}

describe("MeshDriver over WebRTC", () => {
  const peers: Peer[] = [];
  const pair = (): [Peer, Peer] => {
    const made: [Peer, Peer] = [new Peer("seed"), new Peer("viewer")];
    peers.push(...made);
    return made;
  };
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
  });

  test("brings blocks larger than a channel's queue to a viewer, byte for byte", async () => {
    const [seed, viewer] = pair();
    const media = [1, 2, 3, 4].map((factor) =>
      Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * factor + (at >>> 9)) & 255),
    );
    await seed.dial(viewer);
    await viewer.saw(({ kind }) => kind === "ready");
    seed.driver.input(publication(seed.now(), 0, INIT_PART, initBytes));
    for (const [sequence, bytes] of media.entries()) {
      seed.driver.input(publication(seed.now(), sequence, 0, bytes));
    }
    const blocks = await viewer.saw(({ kind }) => kind === "block", 5);
    const got = new Map(
      blocks.flatMap((output) =>
        output.kind === "block" ? [[output.manifest.sha256, toHex(output.bytes)] as const] : [],
      ),
    );
    for (const bytes of [initBytes, ...media]) expect(got.get(digestOf(bytes))).toBe(toHex(bytes));
    expect(seed.highestQueue).toBeGreaterThan(0);
    expect(seed.highestQueue).toBeLessThanOrEqual(QUEUED_BYTES_MAX);
    expect(viewer.driver.mesh.stats.rejected.size).toBe(0);
  });

  test("makes the machine forget a neighbour whose channel has closed", async () => {
    const [seed, viewer] = pair();
    const channel = await viewer.dial(seed);
    await seed.saw(({ kind }) => kind === "ready");
    expect(seed.driver.mesh.neighbours).toEqual([{ id: viewer.identity.id, role: "viewer" }]);
    channel.close();
    expect(viewer.driver.mesh.neighbours).toEqual([]);
    while (seed.driver.mesh.neighbours.length > 0) await new Promise((done) => setTimeout(done, 5));
  });

  test("says goodbye, so that nobody waits for the silent", async () => {
    const [seed, viewer] = pair();
    await viewer.dial(seed);
    await seed.saw(({ kind }) => kind === "ready");
    await viewer.saw(({ kind }) => kind === "ready");
    viewer.driver.close();
    while (seed.driver.mesh.neighbours.length > 0) await new Promise((done) => setTimeout(done, 5));
  });

  test("closes the channel of a neighbour that breaks the protocol, and logs the refusal", async () => {
    const [seed, viewer] = pair();
    viewer.other = seed;
    seed.other = viewer;
    const channel = await viewer.transport.dial(seed.identity.id);
    const closed = new Promise<void>((resolve) => {
      const ignore = (): void => undefined;
      channel.listen({ message: ignore, drained: ignore, closed: resolve });
    });
    channel.send(
      encodeMessage({ type: "hello", version: 1, token: "x", proof: new Uint8Array(64) }),
    );
    await closed;
    const [refusal] = await seed.saw(({ kind }) => kind === "rejected");
    expect(refusal).toMatchObject({ neighbour: viewer.identity.id, code: "token-malformed" });
    expect(seed.transport.has(viewer.identity.id)).toBe(false);
  });

  test("tells the publisher of a block that does not verify", () => {
    const [seed] = pair();
    const good = publication(seed.now(), 0, INIT_PART, initBytes);
    expect(() => seed.driver.input({ ...good, leaves: [...good.leaves].reverse() })).toThrow(
      "root",
    );
    seed.driver.input(good);
    expect(seed.outputs).toEqual([]);
  });
});

/** A tracker in the middle: it stands in for each of two peers before the other, by certificates of its own. */
class HostileTracker {
  /** What it could read and change of the peers' talk, if they trusted it. */
  readonly overheard: Uint8Array[] = [];
  readonly #transports: readonly WebRtcTransport[];

  constructor(alice: Peer, bob: Peer) {
    const toAlice = this.#standIn(bob, alice, (channel) => {
      void toBob.dial(bob.identity.id).then((other) => this.#join(channel, other));
    });
    const toBob = this.#standIn(alice, bob, () => undefined);
    alice.other = { transport: toAlice };
    bob.other = { transport: toBob };
    this.#transports = [toAlice, toBob];
  }

  async close(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }

  #standIn(as: Peer, before: Peer, onChannel: (channel: Channel) => void): WebRtcTransport {
    return new WebRtcTransport({
      self: as.identity.id,
      connector: createNodeConnector({ bindAddress: "127.0.0.1" }),
      sendSignal: (_, signal) => before.transport.handleSignal(as.identity.id, signal),
      onChannel,
    });
  }

  #join(...[a, b]: [Channel, Channel]): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.listen({
        message: (bytes) => {
          this.overheard.push(bytes);
          to.send(bytes);
        },
        drained: () => undefined,
        closed: () => undefined,
      });
    }
  }
}

test("peers find a tracker out that swapped their fingerprints, and tell it nothing", async () => {
  const [alice, bob] = [new Peer("seed"), new Peer("viewer")];
  const tracker = new HostileTracker(alice, bob);
  try {
    alice.driver.input(publication(alice.now(), 0, INIT_PART, initBytes));
    alice.driver.attach(await alice.transport.dial(bob.identity.id), true);
    for (const peer of [alice, bob]) {
      const [refusal] = await peer.saw(({ kind }) => kind === "rejected");
      expect(refusal).toMatchObject({ code: "hello-bad-proof" });
      while (peer.driver.mesh.neighbours.length > 0)
        await new Promise((done) => setTimeout(done, 5));
      expect(peer.outputs.some(({ kind }) => kind === "ready")).toBe(false);
    }
    const types = new Set(tracker.overheard.map((bytes) => decodeMessage(bytes).type));
    expect([...types].filter((type) => type !== "bye")).toEqual(["hello"]);
  } finally {
    await Promise.all([alice, bob, tracker].map((one) => one.close()));
  }
});
