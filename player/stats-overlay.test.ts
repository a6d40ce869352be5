import { expect, test } from "@jest/globals";
import type { StarlingStats } from "./starling-hls.ts";
import { overlayText } from "./stats-overlay.ts";

const EMPTY: StarlingStats = {
  ...{
    isInWorker: true,
    isInMesh: false,
    rendition: 0,
    playedBytes: 0,
    offload: null,
    p2pShare: null,
  },
  ...{ latencyS: null, startupMs: null, stalls: 0, fromPeersBytes: 0, fromSeedsBytes: 0 },
  ...{
    fromHttpBytes: 0,
    uploadedBytes: 0,
    uploadBitsPerSMax: 0,
    blocks: 0,
    missing: 0,
    rejected: {},
    neighbours: [],
  },
};
const NEIGHBOUR = {
  ...{ id: "a", rttMs: 20, score: 1, pushes: 0, isOutbound: true },
  ...{ sentBitsPerS: 0, receivedBitsPerS: 0 },
};

test("the overlay says how a viewer does, also before there is anything to say", () => {
  expect(overlayText(EMPTY).split("\n")).toEqual([
    "from viewers –",
    "behind live –, stalls 0",
    "neighbours 0 + 0 server",
    "passed on 0.0 MB, refused 0",
  ]);
  const stats: StarlingStats = {
    ...{ ...EMPTY, offload: 0.874, latencyS: 4.06, stalls: 1, uploadedBytes: 3_140_000 },
    rejected: { "symbol-bad-hash": 2, "manifest-malformed": 1 },
    neighbours: [
      { ...NEIGHBOUR, role: "viewer" },
      { ...NEIGHBOUR, role: "seed" },
    ],
  };
  expect(overlayText(stats).split("\n")).toEqual([
    "from viewers 87 %",
    "behind live 4.1 s, stalls 1",
    "neighbours 1 + 1 server",
    "passed on 3.1 MB, refused 3",
  ]);
});
