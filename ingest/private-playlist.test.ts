import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parsePrivatePlaylist } from "./private-playlist.ts";

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
