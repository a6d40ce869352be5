import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { completeSegments, parsePrivatePlaylist } from "./private-playlist.ts";

const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:1
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4"
#EXTINF:1.000000,
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T19:09:35.410+0000
000000007.m4s
#EXTINF:0.990234,
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T21:09:36.410+0200
000000008.m4s
`;

describe("ffmpeg's private playlist", () => {
  test("names the init segment and the complete segments", () => {
    expect(parsePrivatePlaylist(PLAYLIST)).toEqual({
      init: "init.mp4",
      segments: [
        {
          name: "000000007.m4s",
          index: 7,
          durationMs: 1000,
          programDateTimeMs: Date.parse("2026-11-22T19:09:35.410Z"),
        },
        {
          name: "000000008.m4s",
          index: 8,
          durationMs: 990.234,
          programDateTimeMs: Date.parse("2026-11-22T19:09:36.410Z"),
        },
      ],
    });
  });

  test("with Windows line ends says the same", () => {
    expect(parsePrivatePlaylist(PLAYLIST.replaceAll("\n", "\r\n"))).toEqual(
      parsePrivatePlaylist(PLAYLIST),
    );
  });

  test("may not name files elsewhere, or segments without duration or time", () => {
    const { init, segments } = parsePrivatePlaylist(`#EXTM3U
#EXT-X-MAP:URI="../init.mp4"
#EXTINF:1.0,
000000001.m4s
#EXTINF:1.0,
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T19:09:35.410+0000
../../000000002.m4s
`);
    expect([init, segments]).toEqual([undefined, []]);
  });

  test("of any text at all gives segments in order of appearance, or none", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PLAYLIST.split("\n"))), (lines) => {
        for (const { durationMs, programDateTimeMs } of parsePrivatePlaylist(lines.join("\n"))
          .segments) {
          expect(Number.isFinite(durationMs) && Number.isFinite(programDateTimeMs)).toBe(true);
        }
      }),
    );
  });
});

describe("the playlists of several renditions", () => {
  const playlistOf = (rendition: number, indices: readonly number[]): string =>
    [
      `#EXT-X-MAP:URI="init-${rendition}.mp4"`,
      ...indices.flatMap((index) => [
        "#EXTINF:1.000000,",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T19:09:35.410+0000",
        `${String(index).padStart(9, "0")}-${rendition}.m4s`,
      ]),
    ].join("\n");
  const complete = (...lists: readonly (readonly number[])[]) =>
    completeSegments(
      lists.map((list, rendition) => parsePrivatePlaylist(playlistOf(rendition, list))),
    );

  test("name a segment once all of them name it", () => {
    const segments = complete([7, 8, 9], [7, 8], [6, 7, 8, 9]);
    expect(segments.map(({ index }) => index)).toEqual([7, 8]);
    expect(segments[1]?.renditions.map(({ init, segment }) => [init, segment.name])).toEqual([
      ["init-0.mp4", "000000008-0.m4s"],
      ["init-1.mp4", "000000008-1.m4s"],
      ["init-2.mp4", "000000008-2.m4s"],
    ]);
  });

  test("name nothing while one of them is empty, or there is none", () => {
    expect(complete([7, 8], [])).toEqual([]);
    expect(complete()).toEqual([]);
  });
});
