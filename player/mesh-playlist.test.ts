import { describe, expect, test } from "@jest/globals";
import { type Manifest, renderMediaPlaylist } from "../core/index.ts";
import { MeshPlaylist } from "./mesh-playlist.ts";
import { sampleManifest } from "./testing/sample-manifest.ts";

const WINDOW = 12;

/** Two publish sessions: the second begins at 20, with an init segment of its own. */
const ALL: readonly Manifest[] = Array.from({ length: 40 }, (_, sequence) =>
  sampleManifest(sequence, {
    durationMs: 960 + sequence,
    discontinuity: sequence < 20 ? 3 : 4,
    init: { sequence: sequence < 20 ? 0 : 20, sha256: "A".repeat(43) },
  }),
);

/** The origin's playlist whose newest segment is `last`. */
function origin(last: number): string {
  return renderMediaPlaylist(ALL.slice(Math.max(0, last + 1 - WINDOW), last + 1), {
    targetDurationS: 2,
    ended: false,
  });
}

describe("MeshPlaylist", () => {
  test("is what the origin would have said, segment by segment and over a discontinuity", () => {
    const playlist = new MeshPlaylist();
    playlist.learn(0, origin(14));
    for (const manifest of ALL.slice(15)) {
      expect(playlist.announced(0, manifest)).toBe(true);
      expect(playlist.take(0)).toBe(origin(manifest.block.sequence));
    }
  });

  test("tells each state once, and how long the next may be waited for", () => {
    const playlist = new MeshPlaylist();
    playlist.learn(1000, origin(14));
    expect([playlist.take(1000), playlist.patienceMs(1000)]).toEqual([undefined, 0]);
    playlist.announced(1200, sampleManifest(14));
    expect([playlist.take(1200), playlist.patienceMs(1200)]).toEqual([undefined, 1261]);
    playlist.announced(1500, sampleManifest(15));
    expect(playlist.patienceMs(1500)).toBeUndefined();
    expect(playlist.take(1500)).toContain("15.m4s");
    expect([playlist.take(1500), playlist.patienceMs(1500)]).toEqual([undefined, 1500]);
    expect(playlist.patienceMs(3000)).toBe(0);
    playlist.learn(3000, origin(15));
    expect(playlist.patienceMs(3000)).toBe(0);
    playlist.learn(3100, origin(16));
    expect(playlist.patienceMs(3100)).toBeGreaterThan(1400);
  });

  test("stops at a hole until HTTP or the mesh has filled it", () => {
    const playlist = new MeshPlaylist();
    playlist.learn(0, origin(14));
    expect(playlist.announced(0, ALL[16] ?? sampleManifest(16))).toBe(false);
    expect(playlist.take(0)).toBeUndefined();
    playlist.learn(0, origin(15));
    expect(playlist.take(0)).toBe(origin(16));
  });

  test("lists a segment of several parts once all of them are announced", () => {
    const playlist = new MeshPlaylist();
    playlist.learn(0, origin(14));
    const block = { rendition: 0, sequence: 15, part: 0 };
    const first = sampleManifest(15, { block, last: false, durationMs: 400 });
    const second = sampleManifest(15, { block: { ...block, part: 1 }, durationMs: 600 });
    expect(playlist.announced(0, second)).toBe(false);
    expect(playlist.announced(0, first)).toBe(true);
    expect(playlist.take(0)).toContain("#EXTINF:1.000,\n15.m4s");
  });

  test.each([
    [
      "tags that it does not know",
      (text: string) => text.replace("#EXTINF", "#EXT-X-GAP\n#EXTINF"),
    ],
    ["an end", (text: string) => `${text}#EXT-X-ENDLIST\n`],
    ["other names", (text: string) => text.replaceAll(".m4s", ".ts")],
    ["nothing", () => "#EXTM3U\n"],
  ])("does not continue a playlist with %s", (_, change) => {
    const playlist = new MeshPlaylist();
    playlist.learn(0, change(origin(14)));
    expect(playlist.announced(0, sampleManifest(15))).toBe(false);
    expect([playlist.take(0), playlist.patienceMs(0)]).toEqual([undefined, 0]);
  });
});
