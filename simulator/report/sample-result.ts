import type { Quantiles, RunResult } from "../run-result.ts";

const DELAYS: Quantiles = { p50: 300, p95: 600, p99: 900, max: 1500, mean: 350, count: 1000 };
const CDF: [number, number][] = [
  [300, 0.5],
  [600, 0.95],
  [900, 0.99],
  [1500, 1],
];

/** What a run of a small world might have given. */
export function sampleResult(changes: Partial<RunResult> = {}): RunResult {
  return {
    scenario: "steady",
    protocol: "starling",
    seed: 1,
    peers: 4,
    durationS: 30,
    warmUpS: 10,
    settings: {
      streamKbps: 3000,
      blockMs: 333,
      symbolBytes: 16_384,
      originUplink: 10,
      medianRttMs: 100,
      lossRate: 0.01,
      mix: "tight",
    },
    traceHash: "0123456789abcdef",
    symbolDelayMs: DELAYS,
    blockDelayMs: DELAYS,
    symbolDelayCdf: CDF,
    blockDelayCdf: CDF,
    peerMissCdf: [
      [0, 0.75],
      [0.01, 1],
    ],
    missRatio: { d2: 0.01, d4: 0.0025, d6: 0, scenarioDeadline: 0.0025, newcomers: 0.02 },
    losslessPeers: 0.75,
    stallFreeSessions: 0.75,
    startUpMs: DELAYS,
    offload: 0.6,
    bytes: {
      played: 30_000_000,
      origin: 11_000_000,
      originHttp: 1_000_000,
      fromPeers: 19_000_000,
      duplicate: 100_000,
      fec: 200_000,
      control: 300_000,
      manifest: 60_000,
      retransmitted: 300_000,
      relay: 1000,
      wasted: 0,
    },
    uplinkUse: 0.5,
    series: {
      tS: [1, 2],
      peers: [4, 4],
      missRatio: [0, 0.01],
      delayP99Ms: [900, 950],
      offload: [0.6, 0.61],
      uplinkUse: [0.5, 0.5],
    },
    topology: {
      nodes: [
        { id: 0, role: "seed", uplinkBps: 30e6, cluster: 0, hop: 0 },
        { id: 1, role: "viewer", uplinkBps: 15e6, cluster: 0, hop: 1 },
        { id: 2, role: "viewer", uplinkBps: 3.6e6, cluster: 0, hop: 1.4 },
        { id: 3, role: "viewer", uplinkBps: 0, cluster: 1, hop: 2.1 },
      ],
      edges: [
        [0, 1],
        [1, 2],
        [1, 3],
        [2, 99],
      ],
    },
    checks: { "bytes are conserved": 42 },
    cost: { events: 1000, deliveredSymbols: 900 },
    ...changes,
  };
}
