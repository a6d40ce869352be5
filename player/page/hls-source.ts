import Hls from "hls.js";
import { openLiveHls } from "../index.ts";
import type { LiveSource, LiveSourceOptions } from "./live-source.ts";
import { MediaBitrate } from "./readout.ts";

const TARGET_LATENCY_S = 4;

/** Tells whether this browser has Media Source Extensions (or Managed Media Source) for hls.js. */
export function canUseMediaSource(): boolean {
  return Hls.isSupported();
}

/** Plays the playlist with hls.js, in the mesh. */
export function openHlsSource({ video, playlistUrl, onLost }: LiveSourceOptions): LiveSource {
  const { hls, starling } = openLiveHls(Hls, {
    ...{ video, playlistUrl, onLost },
    starling: { targetLatencyS: TARGET_LATENCY_S },
    config: { workerPath: "/player/hls.worker.js" },
  });
  Object.assign(globalThis, { starling }); // For the console: starling.stats().
  const bitrate = new MediaBitrate();
  hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag, stats }) => {
    if (frag.sn !== "initSegment") bitrate.add(stats.total, frag.duration);
  });
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
