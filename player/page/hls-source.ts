import Hls, {
  type HlsConfig,
  type LoaderResponse,
  type LoadPolicy,
  type RetryConfig,
} from "hls.js";
import { createStarling } from "../index.ts";
import { type LiveSource, type LiveSourceOptions, playWhenAllowed } from "./live-source.ts";
import { MediaBitrate } from "./readout.ts";

const MEDIA_ERROR_REPAIRS_MAX = 3;
const RETRIES_MAX = 10_000;

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

/** hls.js for a live edge of one-second segments: about 3 s behind, gently sped up when it falls back. */
const LIVE_CONFIG: Partial<HlsConfig> = {
  workerPath: "/player/hls.worker.js",
  liveSyncDuration: 3,
  liveMaxLatencyDuration: 15,
  maxLiveSyncPlaybackRate: 1.05,
  liveDurationInfinity: true,
  backBufferLength: 30,
  maxBufferLength: 12,
  manifestLoadPolicy: livePolicy(6000),
  playlistLoadPolicy: livePolicy(6000),
  fragLoadPolicy: livePolicy(8000),
};

/** Tells whether this browser has Media Source Extensions (or Managed Media Source) for hls.js. */
export function canUseMediaSource(): boolean {
  return Hls.isSupported();
}

/** Plays the playlist with hls.js. Decoder errors are repaired in place a few times; then the source is lost. */
export function openHlsSource({ video, playlistUrl, onLost }: LiveSourceOptions): LiveSource {
  const hls = new Hls(LIVE_CONFIG);
  const starling = createStarling(hls);
  Object.assign(globalThis, { starling }); // For the console: starling.stats().
  const bitrate = new MediaBitrate();
  let repairs = 0;

  hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag, stats }) => {
    if (frag.sn !== "initSegment") bitrate.add(stats.total, frag.duration);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => playWhenAllowed(video));
  hls.on(Hls.Events.ERROR, (_event, { fatal, type }) => {
    if (!fatal) return;
    repairs += 1;
    if (type === Hls.ErrorTypes.MEDIA_ERROR && repairs <= MEDIA_ERROR_REPAIRS_MAX) {
      hls.recoverMediaError();
      return;
    }
    hls.destroy();
    onLost();
  });
  hls.attachMedia(video);
  hls.loadSource(playlistUrl);

  return {
    close: () => hls.destroy(),
    mesh: () => starling.stats(),
    readout: () => ({
      latencyS: hls.latency > 0 ? hls.latency : undefined,
      widthPx: video.videoWidth,
      heightPx: video.videoHeight,
      bitsPerS: bitrate.bitsPerS,
    }),
  };
}
