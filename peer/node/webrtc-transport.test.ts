import { EventEmitter, on } from "node:events";
import { describe, expect, test } from "@jest/globals";
import type { Signal } from "../../core/index.ts";
import {
  type Channel,
  ConnectionHost,
  type Connector,
  createPortConnector,
  WebRtcTransport,
} from "../index.ts";
import { describeTransport, type TransportPair } from "../transport-suite.ts";
import { createNodeConnector } from "./node-connector.ts";

const LOOPBACK = "127.0.0.1";

type Tamper = (from: string, signal: Signal) => Signal;

const createConnector = (): Connector => createNodeConnector({ bindAddress: LOOPBACK });

/** Connections behind a pair of ports, as a worker has those of its page. */
function createHostedConnector(): Connector {
  const { port1, port2 } = new MessageChannel();
  new ConnectionHost(port1, createConnector());
  return createPortConnector(port2);
}

function connectByMemory(
  tamper: Tamper = (_, signal) => signal,
  connectionsMax = 8,
  connectorOf = createConnector,
  relayedAnswersMax?: number,
): TransportPair & { alice: WebRtcTransport; bob: WebRtcTransport } {
  const transports = new Map<string, WebRtcTransport>();
  const accepted = new EventEmitter();
  const make = (self: string): WebRtcTransport => {
    const transport = new WebRtcTransport({
      self,
      connectTimeoutMs: 1500,
      connector: connectorOf(),
      connectionsMax,
      relayedAnswersMax,
      sendSignal: (peer, signal, via) => {
        setImmediate(() => transports.get(peer)?.handleSignal(self, tamper(self, signal), via));
      },
      onChannel: (channel) => accepted.emit(self, channel),
    });
    transports.set(self, transport);
    return transport;
  };
  const channels = on(accepted, "bob");
  const toBob: AsyncIterator<Channel> = {
    next: async () => ({ done: false, value: (await channels.next()).value[0] }),
  };
  return { alice: make("alice"), bob: make("bob"), toBob };
}

describeTransport("WebRtcTransport", () => connectByMemory());
describeTransport("WebRtcTransport with connections in another thread", () =>
  connectByMemory(undefined, undefined, createHostedConnector),
);

async function withPair({ alice, bob }: TransportPair, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await Promise.all([alice.close(), bob.close()]);
  }
}

describe("WebRtcTransport", () => {
  test("does not connect when the signalling has swapped the fingerprint", async () => {
    const pair = connectByMemory((from, signal) =>
      from === "alice" && signal.kind === "description"
        ? {
            ...signal,
            sdp: signal.sdp.replace(/(sha-256 )(..)/, (_, name, byte) => {
              return `${name}${byte === "00" ? "01" : "00"}`;
            }),
          }
        : signal,
    );
    await withPair(pair, async () => {
      await expect(pair.alice.dial("bob")).rejects.toMatchObject({
        code: expect.stringMatching(/^transport-(failed|timeout)$/),
      });
    });
  });

  test("drops signals that make no sense", async () => {
    const pair = connectByMemory();
    await withPair(pair, async () => {
      const junk: Signal[] = [
        { kind: "candidate", candidate: "candidate:nonsense", mid: "0" },
        { kind: "description", sdpType: "answer", sdp: "v=0" },
        { kind: "description", sdpType: "offer", sdp: "garbage" },
        {
          kind: "description",
          sdpType: "offer",
          sdp: `a=fingerprint:sha-256 ${"00:".repeat(31)}00`,
        },
      ];
      for (const signal of junk) pair.alice.handleSignal("mallory", signal);
      await pair.alice.dial("bob");
      for (const signal of junk.slice(0, 2)) pair.alice.handleSignal("bob", signal);
      expect(pair.alice.has("bob")).toBe(true);
      expect(pair.alice.has("mallory")).toBe(false);
    });
  });

  test("holds its limit on connections", async () => {
    const pair = connectByMemory(undefined, 1);
    await withPair(pair, async () => {
      await pair.alice.dial("bob");
      await expect(pair.alice.dial("carol")).rejects.toMatchObject({ code: "transport-limit" });
    });
  });

  test("connects at once, without a lost first flight of DTLS", async () => {
    const times: number[] = [];
    for (let round = 0; round < 12; round++) {
      const pair = connectByMemory();
      await withPair(pair, async () => {
        const startedMs = performance.now();
        await pair.alice.dial("bob");
        times.push(performance.now() - startedMs);
      });
    }
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(900);
  });
});

describe("WebRtcTransport with signals that a neighbour carries", () => {
  test("connects", async () => {
    const pair = connectByMemory();
    await withPair(pair, async () => {
      const channel = await pair.alice.dial("bob", "carol");
      expect([channel.peer, pair.bob.has("alice")]).toEqual(["bob", true]);
    });
  });

  test("lets no neighbour end a connection by an offer that it made up", async () => {
    const sdp = `a=fingerprint:sha-256 ${"00:".repeat(31)}00`;
    const offer: Signal = { kind: "description", sdpType: "offer", sdp };
    const pair = connectByMemory();
    await withPair(pair, async () => {
      await pair.alice.dial("bob");
      pair.alice.handleSignal("bob", offer, "mallory");
      expect(pair.alice.has("bob")).toBe(true);
      pair.alice.handleSignal("bob", offer);
      expect(pair.alice.has("bob")).toBe(false);
    });
  });

  test("answers few offers at a time that neighbours carry", async () => {
    const offers: Signal[] = [];
    const pair = connectByMemory((from, signal) => {
      if (from === "alice" && signal.kind === "description") offers.push(signal);
      return signal;
    }, 64);
    await withPair(pair, async () => {
      await pair.alice.dial("bob");
      const peers = Array.from({ length: 40 }, (_, number) => `peer ${number}`);
      for (const offer of offers) {
        for (const peer of peers) pair.bob.handleSignal(peer, offer, "mallory");
      }
      expect(peers.filter((peer) => pair.bob.has(peer))).toHaveLength(16);
    });
  });

  test("answers none of them when it is told so, and what the tracker carries as ever", async () => {
    const sentByBob: Signal[] = [];
    const pair = connectByMemory(
      (from, signal) => {
        if (from === "bob") sentByBob.push(signal);
        return signal;
      },
      8,
      createConnector,
      0,
    );
    await withPair(pair, async () => {
      await expect(pair.alice.dial("bob", "carol")).rejects.toMatchObject({
        code: "transport-timeout",
      });
      expect(sentByBob).toEqual([]);
      await pair.alice.dial("bob");
    });
  });
});
