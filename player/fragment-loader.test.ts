import { describe, expect, test } from "@jest/globals";
import type { FragmentLoaderContext, HlsConfig, LoaderCallbacks, LoaderStats } from "hls.js";
import { toHex } from "../core/index.ts";
import { type FragmentLoaderClass, fragmentLoader, type MediaSource } from "./fragment-loader.ts";
import type { VerifiedSegment } from "./segment-store.ts";

const SEQUENCE = 7;
const CONTEXT = { url: "http://origin/live/demo/7.m4s" } as FragmentLoaderContext;
const CONFIG = {} as HlsConfig;
const LOAD = {} as Parameters<InstanceType<FragmentLoaderClass>["load"]>[1];

const timing = () => ({ start: 0, first: 0, end: 0 });
const emptyStats = (): LoaderStats => ({
  ...{ aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0 },
  ...{ loading: timing(), parsing: { start: 0, end: 0 }, buffering: timing() },
});

/** A loader over HTTP that answers when the test says so. */
class ScriptedHttp {
  static last: ScriptedHttp | undefined;
  readonly stats = emptyStats();
  context: FragmentLoaderContext | null = null;
  callbacks: LoaderCallbacks<FragmentLoaderContext> | undefined;
  isDestroyed = false;

  constructor() {
    ScriptedHttp.last = this;
  }

  load(
    context: FragmentLoaderContext,
    _config: unknown,
    callbacks: LoaderCallbacks<FragmentLoaderContext>,
  ): void {
    if (this.stats.loading.start !== 0) throw new Error("Loader can only be used once.");
    this.stats.loading.start = performance.now();
    this.context = context;
    this.callbacks = callbacks;
  }

  answer(...bytes: number[]): void {
    this.stats.loading.end = performance.now();
    this.stats.loaded = bytes.length;
    const data = Uint8Array.from(bytes).buffer;
    this.callbacks?.onSuccess({ url: CONTEXT.url, data }, this.stats, CONTEXT, null);
  }

  abort(): void {
    this.stats.aborted = true;
    this.callbacks?.onAbort?.(this.stats, CONTEXT, null);
  }

  destroy(): void {
    this.isDestroyed = true;
    this.callbacks = undefined;
  }
}

/** One load, the mesh beside it, and what both told. */
class Load {
  readonly told: string[] = [];
  readonly #segments = new Map<number, VerifiedSegment>();
  readonly #listeners = new Set<() => void>();
  readonly done: Promise<void>;
  readonly loader: InstanceType<FragmentLoaderClass>;

  constructor(
    patienceMs: number,
    { isOurs = true, isHere = false, hurryMs = undefined as number | undefined } = {},
  ) {
    const source: MediaSource = {
      placeOf: () => (isOurs ? { rendition: 0, sequence: SEQUENCE } : undefined),
      segment: ({ sequence }) => this.#segments.get(sequence),
      patienceMs: () => patienceMs,
      hurry: () => {
        if (hurryMs !== undefined) this.told.push("hurry");
        return hurryMs;
      },
      onSettled: (_, listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      played: (_, bytes, by) => this.told.push(`played ${toHex(bytes)} from ${by}`),
      wasted: (byteLength) => this.told.push(`wasted ${byteLength}`),
    };
    if (isHere) this.#keep(1, 2);
    this.loader = new (fragmentLoader(source, ScriptedHttp as unknown as FragmentLoaderClass))(
      CONFIG,
    );
    this.done = new Promise((resolve) => {
      const tell = (what: string) => () => {
        this.told.push(what);
        resolve();
      };
      this.loader.load(CONTEXT, LOAD, {
        onSuccess: ({ data }) => {
          const bytes = new Uint8Array(data as ArrayBuffer);
          tell(`success ${toHex(bytes)}`)();
          bytes.fill(0); // As hls.js does, who gives the bytes to its worker.
        },
        onError: tell("error"),
        onTimeout: tell("timeout"),
        onAbort: tell("abort"),
      });
    });
  }

  get http(): ScriptedHttp {
    if (ScriptedHttp.last === undefined) throw new Error("No loader was made.");
    return ScriptedHttp.last;
  }

  /** The bytes that the mesh keeps. */
  get kept(): string {
    return toHex(this.#segments.get(SEQUENCE)?.bytes ?? new Uint8Array());
  }

  meshHas(...bytes: number[]): void {
    this.#keep(...bytes);
    this.settle();
  }

  settle(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #keep(...bytes: number[]): void {
    const segment = { rendition: 0, sequence: SEQUENCE, manifests: [], transferMs: 200 };
    this.#segments.set(SEQUENCE, { ...segment, bytes: Uint8Array.from(bytes) });
  }
}

describe("the fragment loader", () => {
  test("gives what the mesh has, as bytes of their own and not at once", async () => {
    const load = new Load(0, { isHere: true });
    expect(load.told).toEqual([]);
    await load.done;
    expect(load.told).toEqual(["played 0102 from mesh", "success 0102"]);
    expect(load.kept).toBe("0102");
    expect(load.http.context).toBeNull();
  });

  test("tells hls.js the time that the mesh took as the time of the load", async () => {
    const load = new Load(0, { isHere: true });
    const { stats } = load.loader;
    await load.done;
    const { start, first, end } = stats.loading;
    expect(end - first).toBeCloseTo(200, 3);
    expect(first).toBeGreaterThanOrEqual(start);
    expect([stats.loaded, stats.total]).toEqual([2, 2]);
  });

  test("waits for the mesh while there is time, and needs no HTTP then", async () => {
    const load = new Load(5000);
    load.meshHas(3);
    await load.done;
    expect(load.told).toEqual(["played 03 from mesh", "success 03"]);
    expect(load.http.context).toBeNull();
  });

  test("asks HTTP at once without time to wait, and when the mesh gives up", async () => {
    const hasty = new Load(0);
    expect(hasty.http.context).toBe(CONTEXT);
    hasty.http.answer(5);
    await hasty.done;
    expect(hasty.told).toEqual(["played 05 from http", "success 05"]);
    const patient = new Load(5000);
    expect(patient.http.context).toBeNull();
    patient.settle();
    patient.http.answer(6);
    await patient.done;
    expect(patient.told).toEqual(["played 06 from http", "success 06"]);
  });

  test("asks HTTP when its patience has ended", async () => {
    const load = new Load(1);
    while (load.http.context === null) await new Promise((done) => setTimeout(done, 1));
    load.http.answer(8);
    await load.done;
    expect(load.told).toEqual(["played 08 from http", "success 08"]);
  });

  test("has what lacks fetched when its patience has ended", async () => {
    for (const patienceMs of [0, 1]) {
      const load = new Load(patienceMs, { hurryMs: 5000 });
      while (load.told.length === 0) await new Promise((done) => setTimeout(done, 1));
      load.meshHas(8);
      await load.done;
      expect(load.told).toEqual(["hurry", "played 08 from both", "success 08"]);
      expect(load.http.context).toBeNull();
    }
  });

  test("asks for the whole when what lacks takes too long", async () => {
    const load = new Load(0, { hurryMs: 1 });
    while (load.http.context === null) await new Promise((done) => setTimeout(done, 1));
    load.http.answer(9);
    await load.done;
    expect(load.told).toEqual(["hurry", "played 09 from http", "success 09"]);
  });
});

describe("a fragment loader that asks both", () => {
  test("takes the mesh's bytes when they come before those of HTTP, and tells once", async () => {
    const load = new Load(0);
    const { http } = load;
    http.stats.loaded = 40;
    load.meshHas(9);
    expect(http.isDestroyed).toBe(true);
    http.answer(1);
    await load.done;
    expect(load.told).toEqual(["played 09 from mesh", "wasted 40", "success 09"]);
    expect(load.loader.stats.aborted).toBe(false);
  });

  test("delivers nothing after an abort or its destruction", async () => {
    const aborted = new Load(5000);
    aborted.loader.abort();
    aborted.meshHas(1);
    await aborted.done;
    expect(aborted.told).toEqual(["abort"]);
    expect(aborted.loader.stats.aborted).toBe(true);
    const destroyed = new Load(5000);
    destroyed.loader.destroy();
    destroyed.loader.destroy();
    destroyed.meshHas(1);
    expect(destroyed.told).toEqual([]);
  });

  test("leaves what is not of the mesh to the loader below", async () => {
    const load = new Load(5000, { isOurs: false });
    load.http.answer(4);
    await load.done;
    expect(load.told).toEqual(["success 04"]);
  });
});
