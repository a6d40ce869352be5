import { EventEmitter, once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { assert, MESSAGE_BYTES_MAX, toHex } from "../core/index.ts";
import { type Channel, DRAINED_BYTES, QUEUED_BYTES_MAX, type Transport } from "./transport.ts";

/** Two transports, "alice" and "bob", that can signal to each other. */
export interface TransportPair {
  readonly alice: Transport;
  readonly bob: Transport;
  /** The channels that others have opened to bob, in order. */
  readonly toBob: AsyncIterator<Channel>;
}

/** What each end of an open channel has seen. */
class Recorder {
  readonly received: Uint8Array[] = [];
  readonly events = new EventEmitter();
  drains = 0;
  closes = 0;

  constructor(channel: Channel) {
    channel.listen({
      message: (bytes) => {
        this.received.push(bytes);
        this.events.emit("message");
      },
      drained: () => {
        this.drains++;
        this.events.emit("drained");
      },
      closed: () => {
        this.closes++;
        this.events.emit("closed");
      },
    });
  }

  async messages(count: number): Promise<Uint8Array[]> {
    while (this.received.length < count) await once(this.events, "message");
    return this.received;
  }

  async closed(): Promise<void> {
    while (this.closes === 0) await once(this.events, "closed");
  }
}

/** The transports of the running test. */
class Suite {
  #pair: TransportPair | undefined;

  constructor(makePair: () => TransportPair) {
    beforeEach(() => {
      this.#pair = makePair();
    });
    afterEach(async () => {
      await Promise.all([this.pair.alice.close(), this.pair.bob.close()]);
    });
  }

  get pair(): TransportPair {
    assert(this.#pair !== undefined, "a test runs between beforeEach and afterEach");
    return this.#pair;
  }

  /** Opens a channel: alice's end of it, and bob's. */
  async connect(): Promise<[Channel, Channel]> {
    const accepted = this.pair.toBob.next();
    const dialled = await this.pair.alice.dial("bob");
    return [dialled, (await accepted).value];
  }
}

/** What every Transport promises: each implementation runs these tests in its own test file. */
export function describeTransport(name: string, makePair: () => TransportPair): void {
  describe(`${name} as a transport`, () => {
    const suite = new Suite(makePair);
    connectionTests(suite);
    messageTests(suite);
    closingTests(suite);
  });
}

function connectionTests(suite: Suite): void {
  test("connects two peers that name each other", async () => {
    const [alices, bobs] = await suite.connect();
    expect([alices.peer, bobs.peer]).toEqual(["bob", "alice"]);
    expect([suite.pair.alice.has("bob"), suite.pair.bob.has("alice")]).toEqual([true, true]);
  });

  test("gives both ends the same two fingerprints, crosswise", async () => {
    const [alices, bobs] = await suite.connect();
    expect(toHex(alices.localFingerprint)).toBe(toHex(bobs.remoteFingerprint));
    expect(toHex(alices.remoteFingerprint)).toBe(toHex(bobs.localFingerprint));
    expect(toHex(alices.localFingerprint)).toHaveLength(64);
    expect(toHex(alices.localFingerprint)).not.toBe(toHex(alices.remoteFingerprint));
  });

  test("makes one channel of two dials that cross", async () => {
    const dials = [suite.pair.alice.dial("bob"), suite.pair.bob.dial("alice")];
    const opened = (await Promise.allSettled(dials)).filter(({ status }) => status === "fulfilled");
    expect(opened).toHaveLength(1);
    expect([suite.pair.alice.has("bob"), suite.pair.bob.has("alice")]).toEqual([true, true]);
  });

  test("refuses a second dial to the same peer", async () => {
    await suite.connect();
    await expect(suite.pair.alice.dial("bob")).rejects.toMatchObject({
      code: "transport-duplicate",
    });
  });

  test("times out on a peer that does not answer", async () => {
    await expect(suite.pair.alice.dial("nobody")).rejects.toMatchObject({
      code: "transport-timeout",
    });
    expect(suite.pair.alice.has("nobody")).toBe(false);
  });

  test("gives up a dial on request", async () => {
    const dial = suite.pair.alice.dial("nobody");
    suite.pair.alice.abandon("nobody");
    await expect(dial).rejects.toMatchObject({ code: "transport-closed" });
  });
}

function messageTests(suite: Suite): void {
  test("carries the longest message whole, both ways", async () => {
    const [alices, bobs] = await suite.connect();
    const atAlice = new Recorder(alices);
    const atBob = new Recorder(bobs);
    const longest = Uint8Array.from({ length: MESSAGE_BYTES_MAX }, (_, at) => (at * 31) & 0xff);
    alices.send(longest);
    bobs.send(Uint8Array.of(7));
    bobs.send(longest);
    expect((await atBob.messages(1)).map(toHex)).toEqual([toHex(longest)]);
    expect((await atAlice.messages(2)).map((bytes) => bytes.length).sort()).toEqual([
      1,
      MESSAGE_BYTES_MAX,
    ]);
  });

  test("keeps messages that come before anybody listens", async () => {
    const [alices, bobs] = await suite.connect();
    alices.send(Uint8Array.of(1, 2, 3));
    const atAlice = new Recorder(alices);
    bobs.send(Uint8Array.of(4));
    await atAlice.messages(1);
    expect((await new Recorder(bobs).messages(1)).map(toHex)).toEqual(["010203"]);
  });

  test("never queues more than the limit, and says when the queue has drained", async () => {
    const [alices, bobs] = await suite.connect();
    const atAlice = new Recorder(alices);
    const atBob = new Recorder(bobs);
    const message = new Uint8Array(16_384);
    const total = 500;
    let highest = 0;
    for (let sent = 0; sent < total; sent++) {
      while (alices.bufferedAmount + message.length > QUEUED_BYTES_MAX) {
        await once(atAlice.events, "drained");
        expect(alices.bufferedAmount).toBeLessThanOrEqual(DRAINED_BYTES);
      }
      alices.send(message);
      highest = Math.max(highest, alices.bufferedAmount);
    }
    expect(await atBob.messages(total)).toHaveLength(total);
    expect(highest).toBeLessThanOrEqual(QUEUED_BYTES_MAX);
    expect(atAlice.drains).toBeGreaterThan(0);
  });

  test("refuses a message that would overfill the queue, as a bug of the caller", async () => {
    const [alices] = await suite.connect();
    const overfill = (): void => {
      for (let sent = 0; sent < 1000; sent++) alices.send(new Uint8Array(MESSAGE_BYTES_MAX));
    };
    expect(overfill).toThrow("QUEUED_BYTES_MAX");
    expect(alices.bufferedAmount).toBeLessThanOrEqual(QUEUED_BYTES_MAX);
    expect(() => alices.send(new Uint8Array(MESSAGE_BYTES_MAX + 1))).toThrow("MESSAGE_BYTES_MAX");
  });
}

function closingTests(suite: Suite): void {
  test("delivers what was queued before a close, and tells both ends once", async () => {
    const [alices, bobs] = await suite.connect();
    const atAlice = new Recorder(alices);
    const atBob = new Recorder(bobs);
    for (let sent = 0; sent < 40; sent++) alices.send(new Uint8Array(16_384));
    alices.close();
    alices.close();
    alices.send(Uint8Array.of(1));
    await atBob.closed();
    expect(atBob.received).toHaveLength(40);
    expect([atAlice.closes, atBob.closes]).toEqual([1, 1]);
    expect([suite.pair.alice.has("bob"), suite.pair.bob.has("alice")]).toEqual([false, false]);
  });

  test("tells a late listener of a closed channel", async () => {
    const [alices, bobs] = await suite.connect();
    const atAlice = new Recorder(alices);
    bobs.close();
    await atAlice.closed();
    await new Recorder(bobs).closed();
    expect(atAlice.closes).toBe(1);
  });

  test("connects again after a close", async () => {
    const [first] = await suite.connect();
    first.close();
    const [second, bobs] = await suite.connect();
    second.send(Uint8Array.of(9));
    expect((await new Recorder(bobs).messages(1)).map(toHex)).toEqual(["09"]);
  });

  test("closes all its channels with itself and dials no more", async () => {
    const [, bobs] = await suite.connect();
    const atBob = new Recorder(bobs);
    await suite.pair.alice.close();
    await atBob.closed();
    await expect(suite.pair.alice.dial("bob")).rejects.toMatchObject({ code: "transport-closed" });
  });
}
