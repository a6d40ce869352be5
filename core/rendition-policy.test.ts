import { describe, expect, test } from "@jest/globals";
import { parseRenditionPolicy } from "./rendition-policy.ts";

describe("parseRenditionPolicy", () => {
  test("reads heights, with a bit rate or without, and sound alone", () => {
    expect(parseRenditionPolicy("1080p,720p@2500,audio")).toEqual([
      { kind: "video", heightPx: 1080, kbps: undefined },
      { kind: "video", heightPx: 720, kbps: 2500 },
      { kind: "audio" },
    ]);
    expect(parseRenditionPolicy("passthrough")).toBe("passthrough");
    expect(parseRenditionPolicy("ladder")).toBe("ladder");
  });

  test.each(["", "720", "72p", "12345p", "720p@", "720p@0", "720p,", "ladder,720p", "Audio"])(
    "refuses %p",
    (text) => {
      expect(parseRenditionPolicy(text)).toBeUndefined();
    },
  );

  test("refuses more renditions than a stream may have", () => {
    expect(parseRenditionPolicy(Array(8).fill("720p").join(","))).toHaveLength(8);
    expect(parseRenditionPolicy(Array(9).fill("720p").join(","))).toBeUndefined();
  });
});
