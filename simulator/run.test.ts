import { describe, expect, test } from "@jest/globals";
import type { InstantMs } from "../core/index.ts";
import type { Input, Output, ProtocolPeer } from "../mesh/index.ts";
import { type PeerSetup, type Protocol, starling } from "./protocol.ts";
import { runScenario } from "./run.ts";
import type { RunResult } from "./run-result.ts";
import { findScenario } from "./scenario.ts";
import { simple } from "./testing/simple-peer.ts";

const SMALL = [
  ...["supply=3", "streamKbps=1000", "peers=20"],
  ...["durationS=16", "warmUpS=6", "joinOverS=2"],
];

function run(seed: number, assignments: readonly string[] = [], protocol = simple): RunResult {
  const scenario = findScenario("steady", [...SMALL, ...assignments]);
  return runScenario(scenario, { seed, protocol });
}

/** The simple protocol with peers whose outputs are changed. */
function tampered(change: (output: Output, setup: PeerSetup) => readonly Output[]): Protocol {
  return {
    name: "tampered",
    create: (now, setup) => new TamperedPeer(simple.create(now, setup), setup, change),
  };
}

class TamperedPeer implements ProtocolPeer {
  readonly #outputs: Output[] = [];
  readonly #peer: ProtocolPeer;
  readonly #setup: PeerSetup;
  readonly #change: (output: Output, setup: PeerSetup) => readonly Output[];

  constructor(
    peer: ProtocolPeer,
    setup: PeerSetup,
    change: (output: Output, setup: PeerSetup) => readonly Output[],
  ) {
    this.#peer = peer;
    this.#setup = setup;
    this.#change = change;
  }

  handleInput(now: InstantMs, input: Input): void {
    this.#peer.handleInput(now, input);
  }

  pollOutput(): Output | undefined {
    if (this.#outputs.length === 0) {
      const output = this.#peer.pollOutput();
      if (output === undefined) return undefined;
      this.#outputs.push(...this.#change(output, this.#setup));
    }
    return this.#outputs.shift() ?? this.pollOutput();
  }

  pollTimeout(): InstantMs | undefined {
    return this.#peer.pollTimeout();
  }
}

describe("runScenario", () => {
  test("two runs with one seed are the same event by event, and another seed differs", () => {
    const [first, second, other] = [run(1), run(1), run(2)];
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect(other.traceHash).not.toBe(first.traceHash);
  });

  test("the same goes for the peers that ship", () => {
    const short = ["peers=12", "durationS=10", "warmUpS=4", "joinOverS=1", "isChurning=true"];
    const [first, second] = [run(1, short, starling), run(1, short, starling)];
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect(first.bytes.played).toBeGreaterThan(0);
  });

  test("delays, offload and bytes fit together", () => {
    const { bytes, offload, missRatio, symbolDelayMs, blockDelayMs, checks, cost } = run(3);
    expect(bytes.played).toBeGreaterThan(0);
    expect(offload).toBeCloseTo(1 - (bytes.origin + bytes.originHttp) / bytes.played, 12);
    expect(missRatio.d2).toBeGreaterThanOrEqual(missRatio.d4);
    expect(missRatio.d4).toBe(missRatio.scenarioDeadline);
    expect(symbolDelayMs.p50).toBeLessThan(blockDelayMs.p50);
    expect(cost.deliveredSymbols).toBeGreaterThan(symbolDelayMs.count);
    expect(Object.values(checks).every((times) => times > 0)).toBe(true);
  });

  test("the series has one point a second", () => {
    const { series } = run(4);
    expect(series.tS).toEqual(Array.from({ length: 16 }, (_, second) => second + 1));
    expect(new Set(Object.values(series).map(({ length }) => length))).toEqual(new Set([16]));
    expect(series.peers.at(-1)).toBe(20);
  });

  test("half of the viewers are gone after a mass crash", () => {
    const { series, topology } = run(5, ["crashShare=0.5", "crashAtS=12"]);
    expect(series.peers[10]).toBe(20);
    expect(series.peers.at(-1)).toBe(10);
    expect(topology.nodes).toHaveLength(11);
  });

  test("a crowd comes in its time, and its start-up is measured", () => {
    const { series, startUpMs } = run(6, ["crowdPeers=20", "crowdAtS=10", "crowdOverS=4"]);
    expect(series.peers[8]).toBe(20);
    expect(series.peers.at(-1)).toBe(40);
    expect(startUpMs.count).toBeGreaterThan(0);
    expect(startUpMs.p50).toBeGreaterThan(100);
  });

  test("churn keeps the audience about as large as it was", () => {
    const { series } = run(7, ["isChurning=true", "sessionMu=1.5", "durationS=30"]);
    const late = series.peers.slice(15);
    expect(Math.min(...late)).toBeGreaterThan(5);
    expect(Math.max(...late)).toBeLessThan(45);
    expect(new Set(late).size).toBeGreaterThan(3);
  });

  test("lost packets are sent again and counted", () => {
    const { bytes } = run(8, ["lossRate=0.05"]);
    const share = bytes.retransmitted / (bytes.origin + bytes.fromPeers);
    expect(share).toBeGreaterThan(0.04);
    expect(share).toBeLessThan(0.1); // Small messages get lost too.
  });

  test("the origin sends nothing while it is away, and goes on when it is back", () => {
    const { series } = run(9, ["originDownAtS=10", "originDownS=3", "durationS=20"]);
    expect([0, 1]).toContain(series.offload[11]);
    expect(series.offload[10]).toBe(1);
    expect(series.offload.at(-1)).toBeLessThan(1);
  });
});

describe("a run fails, and names scenario, seed and time, when", () => {
  test("a peer passes on wrong bytes", () => {
    const polluting = tampered((output, { role }) => {
      if (output.kind !== "transmit" || output.message.type !== "symbol" || role === "seed") {
        return [output];
      }
      const bytes = output.message.bytes.slice();
      bytes[0] = ~Number(bytes[0]);
      return [{ ...output, message: { ...output.message, bytes } }];
    });
    expect(() => run(11, [], polluting)).toThrow(
      /^Scenario steady, seed 11, \d+\.\d{3} s: Broken invariant: only right symbols are passed on/,
    );
  });

  test("a peer plays wrong bytes", () => {
    const broken = tampered((output) =>
      output.kind === "block" ? [{ ...output, bytes: output.bytes.slice(1) }] : [output],
    );
    expect(() => run(12, [], broken)).toThrow(/seed 12, .* only right blocks are played/);
  });

  test("a peer sends more than its budget", () => {
    const twice = tampered((output) =>
      output.kind === "transmit" && output.message.type === "symbol"
        ? [output, output, output]
        : [output],
    );
    expect(() => run(13, [], twice)).toThrow(
      /seed 13, .* (no more media than its upload budget|within CHANNEL_QUEUE_BYTES_MAX)/,
    );
  });

  test("a peer says twice what became of a block", () => {
    const late = tampered((output) =>
      output.kind === "block"
        ? [output, { kind: "missing", block: output.manifest.block }]
        : [output],
    );
    expect(() => run(14, [], late)).toThrow(/seed 14, .* completed or given up, once/);
  });

  test("one input makes a peer want too much", () => {
    const hoarding = tampered((output) =>
      output.kind === "block"
        ? new Array<Output>(30_000).fill({ kind: "wantPeers", count: 0 })
        : [output],
    );
    expect(() => run(15, [], hoarding)).toThrow(/seed 15, .* a bounded number of outputs/);
  });

  test("a peer holds more than it may", () => {
    const greedy: Protocol = {
      name: "greedy",
      create: (now, setup) => {
        const peer = simple.create(now, setup);
        return {
          handleInput: (at, input) => peer.handleInput(at, input),
          pollOutput: () => peer.pollOutput(),
          pollTimeout: () => peer.pollTimeout(),
          usage: () => [{ what: "blocks", held: 73, max: 72 }],
        };
      },
    };
    expect(() => run(17, [], greedy)).toThrow(/seed 17, .* at most 72 blocks, not 73/);
  });

  test("a timeout is due for ever", () => {
    const restless: Protocol = {
      name: "restless",
      create: (now, setup) => {
        const peer = simple.create(now, setup);
        return {
          handleInput: (at, input) => peer.handleInput(at, input),
          pollOutput: () => peer.pollOutput(),
          pollTimeout: () => now,
        };
      },
    };
    expect(() => run(16, [], restless)).toThrow(/seed 16, .* is not due again/);
  });
});
