import { describe, expect, test } from "@jest/globals";
import type { StarlingStats } from "../index.ts";
import { bytesText, meshText } from "./mesh-text.ts";

const neighbour = (id: string, role: "viewer" | "seed") => ({
  ...{ id, role, rttMs: 20, score: 1, pushes: 0, isOutbound: true },
  ...{ sentBitsPerS: 320_000, receivedBitsPerS: 640_000 },
});

function statsOf(changes: Partial<StarlingStats>): StarlingStats {
  return {
    ...{
      isInWorker: true,
      isInMesh: true,
      rendition: 0,
      playedBytes: 1000,
      offload: 0.874,
      p2pShare: 1,
      latencyS: 3,
    },
    ...{ startupMs: 400, stalls: 0, fromPeersBytes: 874, fromSeedsBytes: 126, fromHttpBytes: 0 },
    ...{
      uploadedBytes: 3_140_000,
      uploadBitsPerSMax: 0,
      blocks: 1,
      missing: 0,
      rejected: {},
      neighbours: [],
    },
    ...changes,
  };
}

describe("the words about the mesh", () => {
  test("are a dash before anything has come", () => {
    expect(meshText(undefined)).toMatchObject({ share: "–", words: "" });
    expect(meshText(statsOf({ offload: null })).share).toBe("–");
  });

  test("count viewers and not the server among the neighbours", () => {
    const neighbours = [neighbour("a", "viewer"), neighbour("b", "viewer"), neighbour("c", "seed")];
    expect(meshText(statsOf({ neighbours }))).toEqual({
      share: "87 %",
      title: "Viewers carry this stream",
      flows: { giving: "640 kb/s", fromViewers: "1.3 Mb/s", fromServer: "640 kb/s" },
      words: "Connected to 2 viewers and the server. You have passed on 3.1 MB.",
    });
    expect(meshText(statsOf({ neighbours: neighbours.slice(0, 1) })).words).toMatch(/1 viewer\./);
    const alone = meshText(statsOf({ neighbours: neighbours.slice(2) }));
    expect([alone.title, alone.flows.giving]).toEqual(["You are the first here", "–"]);
    expect(alone.words).toMatch(/straight from the server/);
  });

  test("give amounts in units that fit", () => {
    expect([640_400, 3_140_000, 140_400_000].map(bytesText)).toEqual([
      "640 kB",
      "3.1 MB",
      "140 MB",
    ]);
  });
});
