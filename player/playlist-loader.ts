import type {
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderStats,
  PlaylistLoaderContext,
} from "hls.js";
import { stampStats } from "./load-stats.ts";

export type PlaylistLoaderClass = new (config: HlsConfig) => Loader<PlaylistLoaderContext>;

/** Where a media playlist comes from that need not be asked for over HTTP. */
export interface PlaylistSource {
  /** The playlist at `url` as verified manifests continue it, if it has grown since it was taken last. */
  take(url: string): string | undefined;
  /** How long its growth may still be waited for, milliseconds. */
  patienceMs(url: string): number;
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
  return class extends MeshPlaylistLoader {
    constructor(config: HlsConfig) {
      super(new Base(config), config.primarySessionId ? undefined : source);
    }
  };
}

class MeshPlaylistLoader implements Loader<PlaylistLoaderContext> {
  readonly stats: LoaderStats;
  context: PlaylistLoaderContext | null = null;
  readonly #source: PlaylistSource | undefined;
  readonly #http: Loader<PlaylistLoaderContext>;
  #isLoading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(http: Loader<PlaylistLoaderContext>, source: PlaylistSource | undefined) {
    this.#http = http;
    this.#source = source;
    this.stats = http.stats;
  }

  load(
    context: PlaylistLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<PlaylistLoaderContext>,
  ): void {
    this.context = context;
    const source = this.#source;
    const isReload = context.type === "level" && context.deliveryDirectives === null;
    if (source === undefined || !isReload) {
      this.#loadHttp(context, config, callbacks);
      return;
    }
    const settle = (): void => {
      this.#stopWaiting();
      const text = source.take(context.url);
      if (text === undefined) this.#loadHttp(context, config, callbacks);
      else this.#deliver(text, context, callbacks);
    };
    this.#unsubscribe = source.onGrown(settle);
    this.#timer = setTimeout(settle, source.patienceMs(context.url)); // Never at once: hls.js waits for it.
  }

  abort(): void {
    this.#stopWaiting();
    this.stats.aborted = true;
    if (this.#isLoading) this.#http.abort();
  }

  destroy(): void {
    this.#stopWaiting();
    this.context = null;
    this.#http.destroy();
  }

  getCacheAge(): number | null {
    return this.#isLoading ? (this.#http.getCacheAge?.() ?? null) : null;
  }

  getResponseHeader(name: string): string | null {
    return this.#isLoading ? (this.#http.getResponseHeader?.(name) ?? null) : null;
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
  }

  #deliver(
    text: string,
    context: PlaylistLoaderContext,
    callbacks: LoaderCallbacks<PlaylistLoaderContext>,
  ): void {
    stampStats(this.stats, {
      nowMs: performance.now(),
      byteLength: text.length,
      transferMs: 0,
    });
    const response = { url: context.url, data: text, code: 200 };
    callbacks.onSuccess(response, this.stats, context, null);
  }

  #loadHttp(
    context: PlaylistLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<PlaylistLoaderContext>,
  ): void {
    this.#isLoading = true;
    this.#http.load(context, config, {
      ...callbacks,
      onSuccess: (response, ...rest) => {
        const { data, url } = response;
        if (typeof data === "string") this.#source?.learn(url || context.url, data);
        callbacks.onSuccess(response, ...rest);
      },
    });
  }
}
