import type {
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderStats,
} from "hls.js";
import { clearStats, stampStats, stampWaiting } from "./load-stats.ts";

/** However much time there is, what was asked for is not waited for longer than this. */
const WAIT_MS_MAX = 8000;

/** What came another way than over HTTP. */
export interface RivalAnswer {
  readonly data: string | ArrayBuffer;
  readonly byteLength: number;
  /** How long it took to come, milliseconds. */
  readonly transferMs: number;
}

/** What may answer a load before HTTP does. */
export interface Rival {
  /** How long it may be waited for before HTTP is asked too, milliseconds; undefined: it has the answer. */
  readonly patienceMs: number | undefined;
  /**
   * Has it hurry, since there is no more time to wait. Gives how long it may then take before HTTP is asked too, milliseconds;
   * undefined: it cannot.
   */
  hurry(): number | undefined;
  /** Calls back when it has the answer, or will not have it, until the function it gives is called. */
  onSettled(listener: () => void): () => void;
  /** The answer, if it has it. */
  take(): RivalAnswer | undefined;
  /** Told of what HTTP gave first, and how long that took. */
  lost(response: { readonly url: string; readonly data: unknown }, loadMs: number): void;
  /** Told of bytes over HTTP that came too late to be of use. */
  wasted(byteLength: number): void;
}

/** A load that is under way. */
interface Request<Context extends LoaderContext> {
  readonly rival: Rival;
  readonly context: Context;
  readonly config: LoaderConfiguration;
  readonly callbacks: LoaderCallbacks<Context>;
}

/** A loader for hls.js with two sources: HTTP by the loader below, and a rival. Whichever is first wins. */
export class RaceLoader<Context extends LoaderContext> implements Loader<Context> {
  readonly stats: LoaderStats;
  context: Context | null = null;
  readonly #rivalOf: (context: Context) => Rival | undefined;
  #http: Loader<Context> | undefined;
  /** Set while the rival may still answer. */
  #request: Request<Context> | undefined;
  #onAbort: (() => void) | undefined;
  #isHttp = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unsubscribe: () => void = () => undefined;

  /** `rivalOf` gives undefined for what only HTTP has. */
  constructor(http: Loader<Context>, rivalOf: (context: Context) => Rival | undefined) {
    this.#http = http;
    this.#rivalOf = rivalOf;
    this.stats = http.stats; // hls.js keeps this object: it is changed in place.
  }

  load(context: Context, config: LoaderConfiguration, callbacks: LoaderCallbacks<Context>): void {
    this.context = context;
    this.#onAbort = () => callbacks.onAbort?.(this.stats, context, null);
    const rival = this.#rivalOf(context);
    if (rival === undefined) {
      this.#isHttp = true;
      this.#http?.load(context, config, callbacks);
      return;
    }
    const request = { rival, context, config, callbacks };
    this.#request = request;
    this.#unsubscribe = rival.onSettled(() => this.#settle(request));
    const { patienceMs = 0 } = rival;
    if (rival.patienceMs !== undefined && patienceMs <= 0) {
      this.#hurry(request);
      return;
    }
    stampWaiting(this.stats, performance.now());
    const waitMs = Math.min(patienceMs, WAIT_MS_MAX);
    // Never at once: hls.js waits for it.
    this.#timer = setTimeout(() => {
      if (rival.patienceMs === undefined) this.#settle(request);
      else this.#hurry(request);
    }, waitMs);
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

  /** Delivers what the rival has; what it has not is loaded over HTTP. */
  #settle(request: Request<Context>): void {
    if (this.#request !== request) return;
    const answer = request.rival.take();
    if (answer !== undefined) this.#deliver(request, answer);
    else if (!this.#isHttp) this.#loadHttp(request);
  }

  /** The rival gets a last chance, and HTTP is asked if that does not help. */
  #hurry(request: Request<Context>): void {
    const waitMs = request.rival.hurry();
    if (waitMs === undefined) {
      this.#loadHttp(request);
      return;
    }
    stampWaiting(this.stats, performance.now());
    this.#timer = setTimeout(() => this.#settle(request), waitMs);
  }

  #deliver({ rival, context, callbacks }: Request<Context>, answer: RivalAnswer): void {
    const { stats } = this;
    const { data, byteLength, transferMs } = answer;
    if (this.#isHttp) rival.wasted(stats.loaded);
    this.#end();
    this.#destroyHttp(); // A request that is under way ends without a word to hls.js.
    stats.aborted = false;
    stampStats(stats, { nowMs: performance.now(), byteLength, transferMs });
    callbacks.onProgress?.(stats, context, data, null);
    callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, null);
  }

  #loadHttp({ rival, context, config, callbacks }: Request<Context>): void {
    clearTimeout(this.#timer);
    this.#isHttp = true;
    clearStats(this.stats);
    this.#http?.load(context, config, {
      ...callbacks,
      onSuccess: (response, stats, ...rest) => {
        this.#end();
        const { url, data } = response;
        rival.lost({ url: url || context.url, data }, stats.loading.end - stats.loading.start);
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

  /** The rival has no more say in it. */
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
