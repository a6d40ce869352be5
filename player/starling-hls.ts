import type Hls from "hls.js";
import type {
  Events,
  FragmentLoaderContext,
  HlsConfig,
  LevelLoadedData,
  LevelUpdatedData,
} from "hls.js";
import { Emitter } from "./emitter.ts";
import { type FragmentLoaderClass, fragmentLoader } from "./fragment-loader.ts";
import { IdleWatch } from "./idle-watch.ts";
import { KeyTokens } from "./key-tokens.ts";
import { LoadPace } from "./load-pace.ts";
import { fetchLoneToken } from "./lone-token.ts";
import { MeshPlaylist } from "./mesh-playlist.ts";
import { MeshTrial } from "./mesh-trial.ts";
import { networkInformation } from "./network-information.ts";
import { type PlaylistLoaderClass, playlistLoader } from "./playlist-loader.ts";
import type { Place, VerifiedSegment } from "./segment-store.ts";
import { StallWatch } from "./stall-watch.ts";
import { Viewer, type ViewerEvents, type ViewerOptions } from "./viewer.ts";
import { NO_REPORT, sumReports, type ViewerReport } from "./viewer-report.ts";

export interface StarlingOptions
  extends Omit<
    ViewerOptions,
    "apiUrl" | "stream" | "rendition" | "maxDelayMs" | "tuning" | "downlinkKbps"
  > {
  /** Where the origin's API is. By default what comes before "/live/" in the playlist's address. */
  readonly apiUrl?: string | undefined;
  /** By default what comes after "/live/" in the playlist's address. */
  readonly stream?: string | undefined;
  /** False: plain HLS, as if Starling were not there. Default true. */
  readonly p2p?: boolean | undefined;
  /** Asked once before the mesh is joined; until it gives true, this is plain HLS. */
  readonly consent?: (() => boolean | Promise<boolean>) | undefined;
  /** Send to others on cellular connections and with data saving too. Default false: download only. */
  readonly uploadOnCellular?: boolean | undefined;
  /** A viewer whose page is hidden and whose picture is paused leaves the mesh after this. Default 30. */
  readonly leaveWhenIdleS?: number | undefined;
  /** How far behind live to play, where hls.js was not told (`liveSyncDuration`). Default 4. */
  readonly targetLatencyS?: number | undefined;
}

export interface StarlingEvents extends ViewerEvents {
  /** The mesh is being joined. */
  readonly joining: Viewer;
  /** The picture stands still for want of data. */
  readonly stall: { readonly count: number };
}

/** How a viewer does. Byte counts are of media, since `createStarling`. */
export interface StarlingStats extends ViewerReport {
  readonly isInMesh: boolean;
  /** The one that hls.js loads, by its number in the address of its playlist; 0 is the best. */
  readonly rendition: number;
  /** Media given to the player. */
  readonly playedBytes: number;
  /** 1 - bytes from the origin (seeds and HTTP) / bytes in all; null before there are any. */
  readonly offload: number | null;
  /** Bytes over WebRTC, from viewers and seeds / bytes in all; null before there are any. */
  readonly p2pShare: number | null;
  /** Seconds behind the live edge; null before it is known. */
  readonly latencyS: number | null;
  /** From `createStarling` to the first picture that moved. */
  readonly startupMs: number | null;
  /** How often the picture stood still after it first moved. */
  readonly stalls: number;
}

/** A segment is collected for this long after its time: it came over HTTP, and others may lack it. */
const COLLECT_LATE_MS = 2000;
/** Viewers who lack the same segment ask one after the other: the first passes it on. */
const URGENT_SPREAD_MS = 400;
/** How fast a viewer who is behind plays. */
const CATCH_UP_RATE = 1.05;
/** What comes before "/live/", the stream, and the rendition where it is not the first. */
const ORIGIN_URL = /^(.*)\/live\/([a-z0-9][a-z0-9-]{0,63})\/(?:([1-9])\/)?[^/]*$/;

/**
 * Lets an hls.js that was not told its source yet take part in the mesh. The integrator's settings stay as
 * they are, content keys are asked for with the viewer's token, and whatever the mesh does not bring in time comes over HTTP.
 */
export class Starling {
  readonly #hls: Hls;
  readonly #options: StarlingOptions;
  readonly #events = new Emitter<StarlingEvents>();
  readonly #playlistGrown = new Emitter<{ readonly grown: undefined }>();
  /** Loads that wait for a segment, by its place. */
  readonly #settled = new Map<string, Set<() => void>>();
  readonly #stalls: StallWatch;
  readonly #idle: IdleWatch;
  readonly #fLoader: HlsConfig["fLoader"];
  readonly #pLoader: HlsConfig["pLoader"];
  readonly #xhrSetup: HlsConfig["xhrSetup"];
  readonly #keyTokens: KeyTokens;
  readonly #pace = new LoadPace();
  #playlist = new MeshPlaylist();
  #playlistUrl: string | undefined;
  #viewer: Viewer | undefined;
  /** Of the playlist that hls.js loads. */
  #origin: Where | undefined;
  /** The same, once the mesh may be joined. */
  #where: Where | undefined;
  /** Of what hls.js asked for last, of this source. */
  #rendition: number | undefined;
  /** Counts the sources that hls.js was given. */
  #source = 0;
  #isAsking = false;
  /** Whether this viewer sends nothing to others, for where it is connected. */
  #isSilent = false;
  #trial = new MeshTrial();
  /** Whether HTTP was fast enough lately for the mesh to have room beside it, or needless. */
  #hasRoom = false;
  #resting: ReturnType<typeof setTimeout> | undefined;
  /** Of viewers of this source that have left the mesh. */
  #past = NO_REPORT;
  #playedBytes = 0;
  /** What no viewer has been told of yet. */
  #untold = { httpBytes: 0, playedBytes: 0 };
  #segmentMs = 1000;

  constructor(hls: Hls, options: StarlingOptions) {
    this.#hls = hls;
    this.#options = options;
    const { config } = hls;
    this.#fLoader = config.fLoader;
    this.#pLoader = config.pLoader;
    this.#xhrSetup = config.xhrSetup;
    this.#stalls = new StallWatch((count) => this.#events.emit("stall", { count }));
    this.#idle = new IdleWatch((options.leaveWhenIdleS ?? 30) * 1000, () => this.#reconsider());
    this.#advise();
    this.#keyTokens = new KeyTokens({
      origin: () => this.#origin,
      hasViewer: () => this.#viewer !== undefined,
      fetchToken: (where) => fetchLoneToken({ ...options, ...where }),
    });
    config.xhrSetup = this.#keyTokens.xhrSetup(this.#xhrSetup);
    config.fLoader = fragmentLoader(
      {
        placeOf: (context) => this.#placeOf(context),
        segment: (place) => this.#segment(place),
        patienceMs: (place) => this.#patienceMs(place),
        hurry: (place, url) => this.#hurry(place, url),
        onSettled: (place, listener) => this.#onSettled(place, listener),
        played: (...played) => this.#played(...played),
        wasted: (byteLength) => this.#countHttp(byteLength),
      },
      (this.#fLoader ?? config.loader) as FragmentLoaderClass,
    );
    config.pLoader = playlistLoader(
      {
        take: (url) =>
          url === this.#playlistUrl ? this.#playlist.take(performance.now()) : undefined,
        patienceMs: (url) =>
          url === this.#playlistUrl ? this.#playlist.patienceMs(performance.now()) : 0,
        onGrown: (listener) => this.#playlistGrown.on("grown", listener),
        learn: (url, text) => this.#learn(url, text),
      },
      (this.#pLoader ?? config.loader) as PlaylistLoaderClass,
    );
    this.#listen("on");
  }

  /** Listens to an event until the function it gives is called. */
  on: Emitter<StarlingEvents>["on"] = (name, listener) => this.#events.on(name, listener);

  /** Leaves the mesh and gives hls.js its own loaders back; hls.js itself goes on. */
  async destroy(): Promise<void> {
    this.#listen("off");
    const left = this.#leave();
    this.#stalls.detach();
    this.#idle.detach();
    const { config } = this.#hls;
    const own = { fLoader: this.#fLoader, pLoader: this.#pLoader, xhrSetup: this.#xhrSetup };
    Object.assign(config, own);
    await left;
    this.#events.clear();
  }

  stats(): StarlingStats {
    const report = sumReports(this.#past, this.#viewer?.report() ?? NO_REPORT);
    const { fromPeersBytes, fromSeedsBytes } = report;
    const fromHttpBytes = report.fromHttpBytes + this.#untold.httpBytes;
    const bytes = fromPeersBytes + fromSeedsBytes + fromHttpBytes;
    const { latency } = this.#hls;
    return {
      ...report,
      fromHttpBytes,
      isInMesh: report.neighbours.length > 0,
      rendition: this.#rendition ?? 0,
      playedBytes: this.#playedBytes,
      offload: bytes === 0 ? null : fromPeersBytes / bytes,
      p2pShare: bytes === 0 ? null : (fromPeersBytes + fromSeedsBytes) / bytes,
      latencyS: latency > 0 ? latency : null,
      startupMs: this.#stalls.startupMs,
      stalls: this.#stalls.count,
    };
  }

  /** What suits a live viewer, where the integrator said nothing. */
  #advise(): void {
    const { config, userConfig } = this.#hls;
    const isSet = (name: keyof HlsConfig): boolean => userConfig[name] !== undefined;
    if (!isSet("liveSyncDuration") && !isSet("liveSyncDurationCount")) {
      config.liveSyncDuration = this.#options.targetLatencyS ?? 4;
    }
    if (!isSet("backBufferLength")) config.backBufferLength = 30;
  }

  /** Notes whether the line has room. If so, a viewer who is behind plays faster: else that would end in stalls. */
  #setRoom(hasRoom: boolean): void {
    this.#hasRoom = hasRoom;
    const { config, userConfig } = this.#hls;
    if (userConfig.maxLiveSyncPlaybackRate !== undefined) return;
    config.maxLiveSyncPlaybackRate = hasRoom ? CATCH_UP_RATE : 1;
  }

  #listen(how: "on" | "off"): void {
    const hls = this.#hls;
    hls[how]("hlsManifestLoading" as Events.MANIFEST_LOADING, this.#onManifestLoading);
    hls[how]("hlsLevelLoaded" as Events.LEVEL_LOADED, this.#onLevel);
    hls[how]("hlsMediaAttached" as Events.MEDIA_ATTACHED, this.#onMedia);
    hls[how]("hlsMediaDetaching" as Events.MEDIA_DETACHING, this.#onNoMedia);
    hls[how]("hlsDestroying" as Events.DESTROYING, this.#onDestroying);
    if (how === "on") {
      networkInformation()?.addEventListener?.("change", this.#onNetwork);
      this.#onMedia();
    } else networkInformation()?.removeEventListener?.("change", this.#onNetwork);
  }

  readonly #onManifestLoading = (): void => {
    void this.#leave();
  };
  readonly #onMedia = (): void => {
    const { media } = this.#hls;
    if (media === null) return;
    this.#stalls.attach(media);
    this.#idle.attach(media);
  };
  readonly #onNoMedia = (): void => {
    this.#stalls.detach();
    this.#idle.detach();
  };
  /** From Wi-Fi to cellular, say. */
  readonly #onNetwork = (): void => {
    if (this.#viewer === undefined || this.#isUploadUnwanted() === this.#isSilent) return;
    void this.#closeViewer();
    this.#reconsider();
  };
  readonly #onDestroying = (): void => {
    void this.destroy();
  };
  readonly #onLevel = (_name: string, { details }: LevelLoadedData | LevelUpdatedData): void => {
    this.#origin = this.#whereOf(details.url);
    this.#segmentMs = 1000 * (details.fragments.at(-1)?.duration ?? details.targetduration);
    // Its key, which comes before its segments, is asked for with the token of the mesh.
    this.#hasRoom ||= details.encryptedFragments.length > 0;
    // Of several levels it must be known which rendition each of them is.
    const isOurs = this.#hls.levels.length <= 1 || ORIGIN_URL.test(plain(details.url));
    if (details.live && isOurs && this.#viewer === undefined && !this.#isAsking)
      void this.#join(details.url);
  };

  /** Joins the mesh of the stream whose playlist this is, if the viewer and the browser agree. */
  async #join(url: string): Promise<void> {
    const { p2p = true, consent } = this.#options;
    const where = this.#origin;
    const isAble = typeof RTCPeerConnection !== "undefined";
    if (!p2p || !isAble || where === undefined) return;
    this.#isAsking = true;
    const source = this.#source;
    const isWelcome = consent === undefined || (await consent());
    // Another source, or the end, may have come while the viewer was asked.
    if (!isWelcome || source !== this.#source) return;
    this.#where = where;
    this.#rendition ??= renditionOf(url);
    this.#reconsider();
  }

  #whereOf(url: string): Where | undefined {
    const [, base, name] = ORIGIN_URL.exec(plain(url)) ?? [];
    const { apiUrl = base, stream = name } = this.#options;
    return apiUrl === undefined || stream === undefined ? undefined : { apiUrl, stream };
  }

  #watch(where: Where): void {
    this.#isSilent = this.#isUploadUnwanted();
    const targetMs = (this.#hls.targetLatency ?? 4) * 1000;
    const viewer = new Viewer({
      ...this.#options,
      ...where,
      rendition: this.#rendition,
      uploadBitsPerSMax: this.#isSilent ? 0 : this.#options.uploadBitsPerSMax,
      maxDelayMs: targetMs + COLLECT_LATE_MS,
      downlinkKbps: () => this.#pace.downlinkKbps,
      tuning: { fetchMs: 0 }, // The loader asks HTTP: it knows how much is left to play.
    });
    this.#viewer = viewer;
    viewer.countHttp(this.#untold.httpBytes);
    viewer.countPlayed(this.#untold.playedBytes);
    this.#untold = { httpBytes: 0, playedBytes: 0 };
    const names = ["announced", "segment", "missing", "neighbour", "rejected", "error"] as const;
    for (const name of names) viewer.on(name, (event) => this.#events.emit(name, event));
    viewer.on("announced", (manifest) => {
      const hasGrown = this.#playlist.announced(performance.now(), manifest);
      if (hasGrown) this.#playlistGrown.emit("grown", undefined);
    });
    viewer.on("token", (token) => this.#keyTokens.set(token));
    viewer.on("error", ({ isFinal }) => {
      if (isFinal) this.#where = undefined; // Its token is renewed no more.
      if (isFinal) void this.#closeViewer();
    });
    viewer.on("segment", (place) => this.#settle(keyOf(place)));
    viewer.on("missing", (place) => this.#settle(keyOf(place)));
    this.#events.emit("joining", viewer);
    viewer.start();
  }

  async #leave(): Promise<void> {
    clearTimeout(this.#resting);
    this.#resting = undefined;
    this.#where = undefined;
    this.#origin = undefined;
    this.#rendition = undefined;
    this.#source++;
    this.#isAsking = false;
    this.#trial = new MeshTrial();
    this.#hasRoom = false;
    this.#playlistUrl = undefined;
    await this.#closeViewer();
  }

  async #closeViewer(): Promise<void> {
    const viewer = this.#viewer;
    this.#viewer = undefined;
    this.#keyTokens.set(undefined);
    this.#playlist = new MeshPlaylist(this.#playlist.rendition); // HTTP goes on with it.
    this.#playlistGrown.emit("grown", undefined);
    if (viewer === undefined) return;
    this.#past = { ...sumReports(this.#past, viewer.report()), neighbours: [], isInWorker: false };
    for (const key of this.#settled.keys()) this.#settle(key);
    await viewer.close();
  }

  /** Stays out of the mesh for a while: the line has no room for it. */
  #rest(restMs: number): void {
    const detail = "The mesh is too slow on this line.";
    this.#events.emit("error", { code: "mesh-too-slow", detail, isFinal: false });
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      this.#reconsider();
    }, restMs);
    this.#reconsider();
  }

  /** Leaves the mesh while nobody watches or the line has no room, and comes back to it. */
  #reconsider(): void {
    const isWelcome = !this.#idle.isIdle && this.#resting === undefined;
    if (isWelcome && this.#viewer === undefined && this.#where !== undefined) {
      if (this.#hasRoom) this.#watch(this.#where);
    } else if (!isWelcome && this.#viewer !== undefined) void this.#closeViewer();
  }

  #isUploadUnwanted(): boolean {
    if (this.#options.uploadOnCellular === true) return false;
    const connection = networkInformation();
    return connection?.saveData === true || connection?.type === "cellular";
  }

  #learn(url: string, text: string): void {
    if (!text.includes("#EXTINF")) return;
    const rendition = renditionOf(url);
    if (rendition !== this.#playlist.rendition) this.#playlist = new MeshPlaylist(rendition);
    this.#playlistUrl = url;
    this.#playlist.learn(performance.now(), text);
  }

  /** Which segment hls.js asks for; the mesh follows the rendition that it is of. */
  #placeOf({ frag, part, rangeEnd, url }: FragmentLoaderContext): Place | undefined {
    const isWhole = frag.type === "main" && part === null && !rangeEnd;
    // A test of the bandwidth is one of HTTP, and says nothing of what will be watched.
    if (!isWhole || typeof frag.sn !== "number" || frag.bitrateTest) return undefined;
    const place = { rendition: renditionOf(url), sequence: frag.sn };
    this.#rendition = place.rendition;
    if (this.#viewer !== undefined && place.rendition !== this.#viewer.rendition) {
      this.#viewer.follow({ ...place, sequence: place.sequence + 1 });
      for (const key of this.#settled.keys()) this.#settle(key);
    }
    return place;
  }

  #segment({ rendition, sequence }: Place): VerifiedSegment | undefined {
    const viewer = this.#viewer;
    return rendition === viewer?.rendition ? viewer.segment(sequence) : undefined;
  }

  #isComing({ rendition, sequence }: Place): boolean {
    const viewer = this.#viewer;
    return rendition === viewer?.rendition && viewer.isComing(sequence);
  }

  #patienceMs(place: Place): number {
    if (!this.#isComing(place)) return 0;
    return this.#leftMs() - this.#pace.urgentMs - Math.random() * URGENT_SPREAD_MS;
  }

  /** What a segment lacks comes by ranges, if its address is the origin's. */
  #hurry({ rendition, sequence }: Place, url: string): number | undefined {
    const viewer = this.#viewer;
    const isOrigins = url.startsWith(`${this.#where?.apiUrl}/live/`);
    if (!isOrigins || !this.#mayDivide() || rendition !== viewer?.rendition) return undefined;
    return viewer.fetchNow(sequence) ? this.#pace.hurryMs(this.#leftMs()) : undefined;
  }

  /** Loads of an integrator who made settings for them go as they would without us. */
  #mayDivide(): boolean {
    const { loader, fLoader, xhrSetup, fetchSetup } = this.#hls.userConfig;
    return [loader, fLoader, xhrSetup, fetchSetup].every((own) => own === undefined);
  }

  /** What is buffered, as time until it has been played. */
  #leftMs(): number {
    const leftS = this.#hls.mainForwardBufferInfo?.len ?? 0;
    return (leftS * 1000) / (this.#hls.media?.playbackRate || 1);
  }

  #onSettled(place: Place, listener: () => void): () => void {
    const key = keyOf(place);
    const listeners = this.#settled.get(key) ?? new Set();
    this.#settled.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#settled.delete(key);
    };
  }

  #settle(key: string): void {
    for (const listener of [...(this.#settled.get(key) ?? [])]) listener();
  }

  #played(place: Place, bytes: Uint8Array, by: "mesh" | "both" | "http", loadMs = 0): void {
    this.#playedBytes += bytes.length;
    if (this.#viewer === undefined) this.#untold.playedBytes += bytes.length;
    else this.#viewer.countPlayed(bytes.length);
    if (by === "mesh") {
      this.#pace.meshed();
      this.#trial.won();
      this.#setRoom(true);
      return;
    }
    const wasComing = by === "both" || this.#isComing(place);
    if (by === "http") {
      const isFollowed = place.rendition === this.#viewer?.rendition;
      this.#countHttp(bytes.length, isFollowed ? { sequence: place.sequence, bytes } : undefined);
    }
    this.#pace.loaded(loadMs, by === "http" ? bytes.length : 0);
    this.#setRoom(MeshTrial.hasRoom(loadMs / this.#segmentMs));
    this.#reconsider();
    if (!wasComing) return;
    const restMs = this.#trial.lost(this.#pace.loadMs / this.#segmentMs);
    if (restMs !== undefined) this.#rest(restMs);
  }

  #countHttp(byteLength: number, whole?: { sequence: number; bytes: Uint8Array }): void {
    if (this.#viewer === undefined) this.#untold.httpBytes += byteLength;
    else this.#viewer.countHttp(byteLength, whole);
  }
}

/** An address without its query. */
function plain(url: string): string {
  return url.replace(/[?#].*$/, "");
}

/** The rendition of a playlist or a segment, by its address. */
function renditionOf(url: string): number {
  return Number(ORIGIN_URL.exec(plain(url))?.[3] ?? 0);
}

function keyOf({ rendition, sequence }: Place): string {
  return `${rendition}:${sequence}`;
}

interface Where {
  readonly apiUrl: string;
  readonly stream: string;
}

/** Lets an hls.js take part in the mesh. Call it before `loadSource`. */
export function createStarling(hls: Hls, options: StarlingOptions = {}): Starling {
  return new Starling(hls, options);
}
