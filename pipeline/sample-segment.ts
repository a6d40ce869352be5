import type { NewSegment } from "./segment-record.ts";

/** The digest of every sample init segment. */
export const SAMPLE_SHA256: string = "A".repeat(43);

/** A segment as an ingest would register it, for tests. */
export function sampleSegment(
  session: string,
  index: number | "init",
  stream = "demo",
): NewSegment {
  const name = index === "init" ? "init.mp4" : `${String(index).padStart(9, "0")}.m4s`;
  return {
    stream,
    session,
    rendition: 0,
    index,
    path: `${stream}/${session}/${name}`,
    byteLength: 1000,
    durationMs: index === "init" ? 0 : 1000.5,
    programDateTimeMs: 1_795_000_000_000.125,
    completedAtMs: 1_795_000_001_000,
    ...(index === "init" ? { initSha256: SAMPLE_SHA256 } : {}),
  };
}
