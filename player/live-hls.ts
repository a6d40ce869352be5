import type Hls from "hls.js";
import type { ErrorData, Events, HlsConfig, LoaderResponse, LoadPolicy, RetryConfig } from "hls.js";
import { createStarling, type Starling, type StarlingOptions } from "./starling-hls.ts";

const MEDIA_ERROR_REPAIRS_MAX = 3;
const RETRIES_MAX = 10_000;
const TARGET_LATENCY_S = 4;

/** Everything but a plain "not there" is tried again: an origin that restarts must not end a viewer's session. */
function worthRetrying(
  _policy: RetryConfig | null | undefined,
  retryCount: number,
  _isTimeout: boolean,
  response: LoaderResponse | undefined,
): boolean {
  return retryCount < RETRIES_MAX && response?.code !== 404 && response?.code !== 410;
}

const patience: RetryConfig = {
  maxNumRetry: RETRIES_MAX,
  retryDelayMs: 400,
  maxRetryDelayMs: 2000,
  shouldRetry: worthRetrying,
};

const livePolicy = (maxTimeToFirstByteMs: number): LoadPolicy => ({
  default: {
    maxTimeToFirstByteMs,
    maxLoadTimeMs: 20_000,
    timeoutRetry: patience,
    errorRetry: patience,
  },
});

/** hls.js for a live edge of one-second segments. */
function liveConfig(targetLatencyS: number): Partial<HlsConfig> {
  return {
    liveSyncDuration: targetLatencyS,
    liveMaxLatencyDuration: targetLatencyS + 12,
    liveDurationInfinity: true,
    maxBufferLength: 12,
    manifestLoadPolicy: livePolicy(6000),
    playlistLoadPolicy: livePolicy(6000),
    fragLoadPolicy: livePolicy(8000),
  };
}

/** Who falls behind is brought back to the live edge; who went back on purpose is left there. */
function letGoBack(hls: Hls, video: HTMLVideoElement): void {
  const { liveMaxLatencyDuration = Number.POSITIVE_INFINITY } = hls.config;
  let playedToS = 0;
  const onPlayed = (): void => {
    if (!video.seeking) playedToS = video.currentTime;
  };
  const onSeeking = (): void => {
    const { currentTime } = video;
    const syncPositionS = hls.liveSyncPosition ?? currentTime;
    const isFar = syncPositionS - currentTime > liveMaxLatencyDuration - (hls.targetLatency ?? 0);
    if (!isFar) hls.config.liveMaxLatencyDuration = liveMaxLatencyDuration;
    else if (currentTime < playedToS) hls.config.liveMaxLatencyDuration = Number.POSITIVE_INFINITY;
  };
  video.addEventListener("timeupdate", onPlayed);
  video.addEventListener("seeking", onSeeking);
  hls.once("hlsDestroying" as Events.DESTROYING, () => {
    video.removeEventListener("timeupdate", onPlayed);
    video.removeEventListener("seeking", onSeeking);
  });
}

export interface LiveHlsOptions {
  readonly video: HTMLVideoElement;
  readonly playlistUrl: string;
  readonly starling?: StarlingOptions | undefined;
  /** Settings of hls.js that go before those made for live streams. */
  readonly config?: Partial<HlsConfig> | undefined;
  /** Called at most once: the stream is gone or beyond repair, and hls.js is destroyed. */
  readonly onLost: () => void;
}

/** Plays a live playlist by hls.js in the mesh. Decoder errors are repaired in place a few times. */
export function openLiveHls(
  hlsClass: typeof Hls,
  { video, playlistUrl, starling: options = {}, config, onLost }: LiveHlsOptions,
): { readonly hls: Hls; readonly starling: Starling } {
  const hls = new hlsClass({
    ...liveConfig(options.targetLatencyS ?? TARGET_LATENCY_S),
    ...config,
  });
  const starling = createStarling(hls, options);
  letGoBack(hls, video);
  let repairs = 0;
  hls.on("hlsManifestParsed" as Events.MANIFEST_PARSED, () => {
    // A browser that forbids autoplay leaves the picture paused with its own play button.
    if (video.autoplay) video.play().catch(() => undefined);
  });
  hls.on("hlsError" as Events.ERROR, (_event, { fatal, type }: ErrorData) => {
    if (!fatal) return;
    repairs++;
    if (type === "mediaError" && repairs <= MEDIA_ERROR_REPAIRS_MAX) hls.recoverMediaError();
    else {
      hls.destroy();
      onLost();
    }
  });
  hls.attachMedia(video);
  hls.loadSource(playlistUrl);
  return { hls, starling };
}
