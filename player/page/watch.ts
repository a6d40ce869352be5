import { canUseMediaSource, openHlsSource } from "./hls-source.ts";
import type { LiveSource } from "./live-source.ts";
import { canPlayNatively, openNativeSource, prefersNativeHls } from "./native-source.ts";
import { PictureWatch } from "./picture-watch.ts";
import { sceneOf } from "./scene.ts";
import { fetchStatus, type StatusAnswer } from "./stream-status.ts";
import { WatchView } from "./watch-view.ts";

const LOOK_EVERY_MS = 250;
const SHOW_MESH_EVERY_MS = 1000;
const ASK_EVERY_MS = { playing: 5000, waiting: 1500 };
/** A picture that stands still for this long while the stream is live is started anew. */
const STUCK_MS = 12_000;

/** The watch page: asks the origin whether the stream is live, keeps a source open while it is, shows how it goes. */
class WatchPage {
  readonly #stream: string;
  readonly #view = new WatchView();
  readonly #picture = new PictureWatch(this.#view.video);
  readonly #openSource = prefersNativeHls(this.#view.video, canUseMediaSource())
    ? openNativeSource
    : openHlsSource;
  #status: StatusAnswer | undefined;
  #isAsking = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #liveSinceMs = 0;
  #meshShownAtMs = Number.NEGATIVE_INFINITY;
  #source: LiveSource | undefined;
  /** Whether a picture has moved here. */
  #hasPlayed = false;
  readonly #canPlay = canUseMediaSource() || canPlayNatively(this.#view.video);

  constructor(stream: string) {
    this.#stream = stream;
    this.#view.showStream(stream, 0);
  }

  start(): void {
    this.#look();
    setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#learn(await fetchStatus(this.#stream));
    this.#askedAtMs = performance.now();
    this.#isAsking = false;
  }

  #learn(status: StatusAnswer): void {
    const isOnAir = typeof status === "object" && status.state !== "offline";
    const isLive = typeof status === "object" && status.state === "live";
    if (!isLive) this.#liveSinceMs = 0;
    else if (this.#liveSinceMs === 0) this.#liveSinceMs = performance.now();
    this.#status = status;
    if (typeof status === "object") this.#view.showStream(status.title, status.viewers);
    if (isOnAir && this.#canPlay && this.#source === undefined) this.#open();
  }

  #open(): void {
    this.#picture.reset(performance.now());
    this.#source = this.#openSource({
      video: this.#view.video,
      playlistUrl: `/live/${encodeURIComponent(this.#stream)}/master.m3u8`,
      onLost: () => this.#forget(),
    });
  }

  #forget(): void {
    this.#source = undefined;
    this.#picture.reset(performance.now());
  }

  #look(): void {
    const nowMs = performance.now();
    const picture = this.#picture.look(nowMs);
    const known = { hasPlayed: this.#hasPlayed, canPlay: this.#canPlay };
    const scene = sceneOf(this.#status, picture, known);
    const isPlaying = scene.name === "live";
    this.#hasPlayed ||= isPlaying;
    this.#view.showScene(scene);
    this.#view.showReadout((isPlaying && this.#source?.readout()) || {});
    if (nowMs - this.#meshShownAtMs >= SHOW_MESH_EVERY_MS) {
      this.#meshShownAtMs = nowMs;
      this.#view.showMesh(this.#source?.mesh?.());
    }

    const askEveryMs = isPlaying ? ASK_EVERY_MS.playing : ASK_EVERY_MS.waiting;
    if (!this.#isAsking && nowMs - this.#askedAtMs >= askEveryMs) void this.#ask();

    const isOffline = typeof this.#status === "object" && this.#status.state === "offline";
    const isStuck = this.#liveSinceMs > 0 && nowMs - this.#liveSinceMs > STUCK_MS;
    if (isOffline && !isPlaying) this.#close();
    if (isStuck && picture.stalledMs > STUCK_MS) this.#close();
  }

  #close(): void {
    if (this.#source === undefined) return;
    this.#source.close();
    this.#forget();
  }
}

const stream = decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
new WatchPage(stream).start();
