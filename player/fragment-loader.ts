import type {
  FragmentLoaderContext,
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderStats,
} from "hls.js";
import { clearStats, stampStats, stampWaiting } from "./load-stats.ts";
import type { VerifiedSegment } from "./segment-store.ts";

/** However much is buffered, what was asked for is not waited for longer than this. */
const WAIT_MS_MAX = 8000;

export type FragmentLoaderClass = new (config: HlsConfig) => Loader<FragmentLoaderContext>;

/** Where media comes from that does not come over HTTP. */
export interface MediaSource {
  /** The number of a media segment of the mesh, or undefined: it is none of ours. */
  sequenceOf(context: FragmentLoaderContext): number | undefined;
  segment(sequence: number): VerifiedSegment | undefined;
  /** How long a segment that is not here may be waited for before HTTP is asked, milliseconds. */
  patienceMs(sequence: number): number;
  /** Calls back when the segment is here or has been given up, until the function it gives is called. */
  onSettled(sequence: number, listener: () => void): () => void;
  /** Tells of a media segment that goes to the player. `loadMs`: it came over HTTP, in this time. */
  played(sequence: number, bytes: Uint8Array, loadMs?: number): void;
  /** Tells of bytes over HTTP that came too late to be of use. */
  wasted(byteLength: number): void;
}

/** A load that is under way. */
interface Request {
  readonly source: MediaSource;
  readonly sequence: number;
  readonly context: FragmentLoaderContext;
  readonly config: LoaderConfiguration;
  readonly callbacks: LoaderCallbacks<FragmentLoaderContext>;
}

/**
 * A loader for `fLoader`: gives what the mesh has, waits for what it may bring in time, and loads the rest
 * by `Base` over HTTP. Whichever is first wins. hls.js gets bytes of its own: it gives them away.
 */
export function fragmentLoader(
  source: MediaSource,
  Base: FragmentLoaderClass,
): FragmentLoaderClass {
  return class extends MeshFragmentLoader {
    constructor(config: HlsConfig) {
      // The players of interstitials share the configuration, and have streams of their own.
      super(new Base(config), config.primarySessionId ? undefined : source);
    }
  };
}

class MeshFragmentLoader implements Loader<FragmentLoaderContext> {
  readonly stats: LoaderStats;
  context: FragmentLoaderContext | null = null;
  readonly #source: MediaSource | undefined;
  #http: Loader<FragmentLoaderContext> | undefined;
  /** Set while the mesh may still answer. */
  #request: Request | undefined;
  #onAbort: (() => void) | undefined;
  #isHttp = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(http: Loader<FragmentLoaderContext>, source: MediaSource | undefined) {
    this.#http = http;
    this.#source = source;
    this.stats = http.stats; // hls.js keeps this object: it is changed in place.
  }

  load(
    context: FragmentLoaderContext,
    config: LoaderConfiguration,
    callbacks: LoaderCallbacks<FragmentLoaderContext>,
  ): void {
    this.context = context;
    this.#onAbort = () => callbacks.onAbort?.(this.stats, context, null);
    const source = this.#source;
    const sequence = source?.sequenceOf(context);
    if (source === undefined || sequence === undefined) {
      this.#isHttp = true;
      this.#http?.load(context, config, callbacks);
      return;
    }
    const request = { source, sequence, context, config, callbacks };
    this.#request = request;
    this.#unsubscribe = source.onSettled(sequence, () => this.#settle(request));
    const isHere = source.segment(sequence) !== undefined;
    const waitMs = isHere ? 0 : Math.min(source.patienceMs(sequence), WAIT_MS_MAX);
    if (!isHere && waitMs <= 0) {
      this.#loadHttp(request);
      return;
    }
    stampWaiting(this.stats, performance.now());
    this.#timer = setTimeout(() => this.#settle(request), waitMs); // Never at once: hls.js waits for it.
  }

  abort(): void {
    this.#end();
    this.stats.aborted = true;
    if (this.#isHttp) this.#http?.abort();
    else this.#onAbort?.();
  }

  destroy(): void {
    this.#end();
    this.context = null;
    this.#destroyHttp();
  }

  getCacheAge(): number | null {
    return (this.#isHttp && this.#http?.getCacheAge?.()) || null;
  }

  getResponseHeader(name: string): string | null {
    return (this.#isHttp && this.#http?.getResponseHeader?.(name)) || null;
  }

  /** Delivers what is here; what is not is loaded over HTTP. */
  #settle(request: Request): void {
    if (this.#request !== request) return;
    const segment = request.source.segment(request.sequence);
    if (segment !== undefined) this.#deliver(request, segment);
    else if (!this.#isHttp) this.#loadHttp(request);
  }

  #deliver(
    { source, sequence, context, callbacks }: Request,
    { bytes, transferMs }: VerifiedSegment,
  ): void {
    const { stats } = this;
    if (this.#isHttp) source.wasted(stats.loaded);
    this.#end();
    this.#destroyHttp(); // A request that is under way ends without a word to hls.js.
    stats.aborted = false;
    stampStats(stats, { nowMs: performance.now(), byteLength: bytes.length, transferMs });
    source.played(sequence, bytes);
    const data = bytes.slice().buffer;
    callbacks.onProgress?.(stats, context, data, null);
    callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, null);
  }

  #loadHttp({ source, sequence, context, config, callbacks }: Request): void {
    clearTimeout(this.#timer);
    this.#isHttp = true;
    clearStats(this.stats);
    this.#http?.load(context, config, {
      ...callbacks,
      onSuccess: (response, stats, ...rest) => {
        this.#end();
        const { data } = response;
        const loadMs = stats.loading.end - stats.loading.start;
        if (data instanceof ArrayBuffer)
          source.played(sequence, new Uint8Array(data.slice()), loadMs);
        callbacks.onSuccess(response, stats, ...rest);
      },
      onError: (...error) => {
        this.#end();
        callbacks.onError(...error);
      },
      onTimeout: (...timeout) => {
        this.#end();
        callbacks.onTimeout(...timeout);
      },
    });
  }

  /** The mesh has no more say in it. */
  #end(): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#request = undefined;
  }

  #destroyHttp(): void {
    this.#http?.destroy();
    this.#http = undefined;
    this.#isHttp = false;
  }
}
