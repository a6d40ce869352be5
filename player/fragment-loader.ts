import type { FragmentLoaderContext, HlsConfig, Loader } from "hls.js";
import { RaceLoader, type Rival } from "./race-loader.ts";
import type { Place, VerifiedSegment } from "./segment-store.ts";

export type FragmentLoaderClass = new (config: HlsConfig) => Loader<FragmentLoaderContext>;

/** Where media comes from that does not come over HTTP. */
export interface MediaSource {
  /** Which media segment of the stream is asked for, or undefined: it is none of ours. */
  placeOf(context: FragmentLoaderContext): Place | undefined;
  segment(place: Place): VerifiedSegment | undefined;
  /** How long a segment that is not here may be waited for before HTTP is asked, milliseconds. */
  patienceMs(place: Place): number;
  /**
   * Has what a segment lacks fetched, piece by piece. Gives how long that may take before all of it is asked of HTTP,
   * milliseconds; undefined: it cannot be.
   */
  hurry(place: Place, url: string): number | undefined;
  /** Calls back when the segment is here or has been given up, until the function it gives is called. */
  onSettled(place: Place, listener: () => void): () => void;
  /**
   * Tells of a media segment that goes to the player, which will take its bytes away: copy them.
   * `loadMs`: it came over HTTP, all of it or what the mesh lacked, in this time.
   */
  played(place: Place, bytes: Uint8Array, by: "mesh" | "both" | "http", loadMs?: number): void;
  /** Tells of bytes over HTTP that came too late to be of use. */
  wasted(byteLength: number): void;
}

/**
 * A loader for `fLoader`: gives what the mesh has, waits for what it may bring in time, and loads the rest
 * by `Base` over HTTP. hls.js gets bytes of its own: it gives them away.
 */
export function fragmentLoader(
  source: MediaSource,
  Base: FragmentLoaderClass,
): FragmentLoaderClass {
  return class extends RaceLoader<FragmentLoaderContext> {
    constructor(config: HlsConfig) {
      super(new Base(config), (context) => {
        // The players of interstitials share the configuration, and have streams of their own.
        const place = config.primarySessionId ? undefined : source.placeOf(context);
        return place === undefined ? undefined : rivalOf(source, place, context.url);
      });
    }
  };
}

function rivalOf(source: MediaSource, place: Place, url: string): Rival {
  let hurriedAtMs: number | undefined;
  const isHere = source.segment(place) !== undefined;
  return {
    patienceMs: isHere ? undefined : source.patienceMs(place),
    hurry: () => {
      const waitMs = source.hurry(place, url);
      if (waitMs !== undefined) hurriedAtMs = performance.now();
      return waitMs;
    },
    onSettled: (listener) => source.onSettled(place, listener),
    take: () => {
      const segment = source.segment(place);
      if (segment === undefined) return undefined;
      const { bytes, transferMs } = segment;
      if (hurriedAtMs === undefined) source.played(place, bytes, "mesh");
      else source.played(place, bytes, "both", performance.now() - hurriedAtMs);
      return { data: bytes.slice().buffer, byteLength: bytes.length, transferMs };
    },
    lost: ({ data }, loadMs) => {
      if (!(data instanceof ArrayBuffer)) return;
      source.played(place, new Uint8Array(data), "http", loadMs);
    },
    wasted: (byteLength) => source.wasted(byteLength),
  };
}
