import { describe, expect, test } from "@jest/globals";
import { type ListedSegment, renderMediaPlaylist } from "./index.ts";

/** `count` segments of each session, one session after the other. */
function timelineOf(sessions: readonly string[], count: number): ListedSegment[] {
  return Array.from({ length: sessions.length * count }, (_, sequence) => {
    const discontinuity = Math.floor(sequence / count);
    return {
      block: { rendition: 0, sequence },
      durationMs: 1000,
      programDateTimeMs: 1_795_000_000_000,
      discontinuity,
      init: { sequence: discontinuity * count },
    };
  });
}

const options = { targetDurationS: 1, ended: false };

describe("renderMediaPlaylist", () => {
  test("lists one session with its map", () => {
    expect(renderMediaPlaylist(timelineOf(["a"], 2), options)).toBe(
      [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init-0.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.000Z",
        "#EXTINF:1.000,",
        "0.m4s",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.000Z",
        "#EXTINF:1.000,",
        "1.m4s",
        "",
      ].join("\n"),
    );
  });

  test("lists the key of each session, and init segments as not encrypted", () => {
    const locked = timelineOf(["a", "b"], 2).map((segment) => {
      const session = segment.discontinuity;
      return { ...segment, key: { uri: `${session}.key`, iv: `0${session}`.repeat(16) } };
    });
    const lines = renderMediaPlaylist(locked, options)
      .split("\n")
      .filter((line) => /KEY|MAP|DISCONTINUITY$|m4s/.test(line));
    expect(lines).toEqual([
      '#EXT-X-MAP:URI="init-0.mp4"',
      `#EXT-X-KEY:METHOD=AES-128,URI="0.key",IV=0x${"00".repeat(16)}`,
      ...["0.m4s", "1.m4s", "#EXT-X-DISCONTINUITY", "#EXT-X-KEY:METHOD=NONE"],
      '#EXT-X-MAP:URI="init-2.mp4"',
      `#EXT-X-KEY:METHOD=AES-128,URI="1.key",IV=0x${"01".repeat(16)}`,
      ...["2.m4s", "3.m4s"],
    ]);
  });

  test("gives each segment the same discontinuity number in every window that lists it", () => {
    const numberOf = new Map<string, number>();
    const all = timelineOf(["a", "b", "c", "d"], 3);
    for (let from = 0; from < all.length; from++) {
      for (let to = from + 1; to <= all.length; to++) {
        const read = readPlaylist(renderMediaPlaylist(all.slice(from, to), options));
        for (const { uri, sequence, discontinuity, map } of read) {
          expect(uri).toBe(`${sequence}.m4s`);
          expect(map).toBe(`init-${sequence - (sequence % 3)}.mp4`);
          expect(numberOf.get(uri) ?? discontinuity).toBe(discontinuity);
          numberOf.set(uri, discontinuity);
        }
      }
    }
    expect([...numberOf.values()]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  test("refuses to list nothing, and ends only when told", () => {
    const window = timelineOf(["a"], 1);
    expect(renderMediaPlaylist(window, { ...options, ended: true })).toMatch(/#EXT-X-ENDLIST\n$/);
    expect(() => renderMediaPlaylist([], options)).toThrow(/no segment/);
  });
});

describe("the playlist of another rendition than the first", () => {
  test("names one init segment for each session, and the key where all renditions have it", () => {
    const segments = timelineOf(["a", "b"], 2).map((segment) => ({
      ...segment,
      block: { ...segment.block, rendition: 1 },
      key: { uri: "s.key", iv: "00".repeat(16) },
    }));
    const lines = renderMediaPlaylist(segments, { ...options, rendition: 1 }).split("\n");
    const key = `#EXT-X-KEY:METHOD=AES-128,URI="../s.key",IV=0x${"00".repeat(16)}`;
    expect(lines.filter((line) => /KEY|MAP/.test(line))).toEqual([
      ...['#EXT-X-MAP:URI="init-0.mp4"', key],
      ...["#EXT-X-KEY:METHOD=NONE", '#EXT-X-MAP:URI="init-2.mp4"', key],
    ]);
  });

  test("names the files of a rendition beside it, and those that stand in for it in their folder", () => {
    const standIns = timelineOf(["a", "b", "c"], 1).map((segment, index) => ({
      ...segment,
      block: { ...segment.block, rendition: [2, 0, 1][index] ?? 0 },
    }));
    const lines = renderMediaPlaylist(standIns, { ...options, rendition: 2 }).split("\n");
    expect(lines.filter((line) => /init|m4s/.test(line))).toEqual([
      ...['#EXT-X-MAP:URI="init-0.mp4"', "0.m4s"],
      ...['#EXT-X-MAP:URI="../init-1.mp4"', "../1.m4s"],
      ...['#EXT-X-MAP:URI="../1/init-2.mp4"', "../1/2.m4s"],
    ]);
  });
});

interface ReadSegment {
  readonly uri: string;
  readonly sequence: number;
  readonly discontinuity: number;
  readonly map: string | undefined;
}

/** What a player makes of a playlist (RFC 8216 sections 4.3.3.2, 4.3.3.3 and 6.2.2). */
function readPlaylist(text: string): ReadSegment[] {
  const header = (tag: string) => Number(new RegExp(`#${tag}:(\\d+)`).exec(text)?.[1]);
  const listed: ReadSegment[] = [];
  let discontinuity = header("EXT-X-DISCONTINUITY-SEQUENCE");
  let map: string | undefined;
  for (const line of text.split("\n")) {
    if (line === "#EXT-X-DISCONTINUITY") discontinuity++;
    map = /^#EXT-X-MAP:URI="(.*)"$/.exec(line)?.[1] ?? map;
    if (line === "" || line.startsWith("#")) continue;
    const sequence = header("EXT-X-MEDIA-SEQUENCE") + listed.length;
    listed.push({ uri: line, sequence, discontinuity, map });
  }
  return listed;
}
