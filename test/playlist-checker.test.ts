import { describe, expect, test } from "@jest/globals";
import { PlaylistChecker } from "./playlist-checker.ts";

function playlist(change: (lines: string[]) => string[] = (lines) => lines): string {
  const lines = [
    ...["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:5"],
    ...[
      "#EXT-X-DISCONTINUITY-SEQUENCE:1",
      '#EXT-X-MAP:URI="init-5.mp4"',
      "#EXTINF:1.000,",
      "5.m4s",
    ],
    ...["#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="init-6.mp4"', "#EXTINF:1.000,", "6.m4s"],
  ];
  return `${change(lines).join("\n")}\n`;
}
const replaced = (from: string, to: string) =>
  playlist((lines) => lines.map((line) => line.replace(from, to)));
const without = (line: string) => playlist((lines) => lines.filter((one) => one !== line));

function violationsOf(...texts: readonly string[]): readonly string[] {
  const checker = new PlaylistChecker();
  for (const text of texts) checker.check(text);
  return checker.violations;
}

/** The playlist one segment later. */
const LATER = [
  ...["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:6"],
  ...["#EXT-X-DISCONTINUITY-SEQUENCE:2", '#EXT-X-MAP:URI="init-6.mp4"', "#EXTINF:1.000,", "6.m4s"],
  ...["#EXTINF:1.000,", "7.m4s", ""],
].join("\n");

describe("the checker of playlists", () => {
  test("finds nothing in a stream as it should be", () => {
    expect(violationsOf(playlist(), playlist(), LATER)).toEqual([]);
  });

  test.each<[string, readonly string[]]>([
    ["not #EXTM3U", [without("#EXTM3U")]],
    ["TARGETDURATION is there 0 times", [without("#EXT-X-TARGETDURATION:2")]],
    ["> target", [replaced("TARGETDURATION:2", "TARGETDURATION:0")]],
    ["no EXT-X-MAP", [without('#EXT-X-MAP:URI="init-5.mp4"')]],
    ["without EXT-X-DISCONTINUITY", [without("#EXT-X-DISCONTINUITY")]],
    ["no EXTINF", [without("#EXTINF:1.000,")]],
    ["listed twice", [replaced("6.m4s", "5.m4s")]],
    ["MEDIA-SEQUENCE went back", [LATER, playlist()]],
    ["DISCONTINUITY-SEQUENCE went back", [playlist(), LATER.replace("SEQUENCE:2", "SEQUENCE:0")]],
    ["6 was", [playlist(), LATER.replace("SEQUENCE:2", "SEQUENCE:1")]],
    ["is used for 5 and for 7", [playlist(), LATER.replace("7.m4s", "5.m4s")]],
  ])("finds %s", (words, texts) => {
    expect(violationsOf(...texts).join("; ")).toContain(words);
  });
});
