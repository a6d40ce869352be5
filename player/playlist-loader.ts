import type { HlsConfig, Loader, PlaylistLoaderContext } from "hls.js";
import { RaceLoader } from "./race-loader.ts";

export type PlaylistLoaderClass = new (config: HlsConfig) => Loader<PlaylistLoaderContext>;

/** Where a media playlist comes from that need not be asked for over HTTP. */
export interface PlaylistSource {
  /** The playlist at `url` as verified manifests continue it, if it has grown since it was taken last. */
  take(url: string): string | undefined;
  /** How long its growth may still be waited for, milliseconds; undefined: it has grown. */
  patienceMs(url: string): number | undefined;
  /** Calls back when it has grown, until the function it gives is called. */
  onGrown(listener: () => void): () => void;
  /** Tells what HTTP gave. */
  learn(url: string, text: string): void;
}

/** A loader for `pLoader`: media playlists as the mesh knows them, and all else by `Base`. */
export function playlistLoader(
  source: PlaylistSource,
  Base: PlaylistLoaderClass,
): PlaylistLoaderClass {
  return class extends RaceLoader<PlaylistLoaderContext> {
    constructor(config: HlsConfig) {
      super(new Base(config), ({ url, deliveryDirectives }) => {
        if (config.primarySessionId || deliveryDirectives !== null) return undefined;
        return {
          patienceMs: source.patienceMs(url),
          hurry: () => undefined,
          onSettled: (listener) => source.onGrown(listener),
          take: () => {
            const data = source.take(url);
            if (data === undefined) return undefined;
            return { data, byteLength: data.length, transferMs: 0 };
          },
          lost: (response) => {
            if (typeof response.data === "string") source.learn(response.url, response.data);
          },
          wasted: () => undefined,
        };
      });
    }
  };
}
