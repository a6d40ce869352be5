import { type LiveSource, type LiveSourceOptions, playWhenAllowed } from "./live-source.ts";

/** Tells whether the browser plays HLS itself. */
export function canPlayNatively(video: HTMLVideoElement): boolean {
  return video.canPlayType("application/vnd.apple.mpegurl") !== "";
}

/** Safari and iPhone play HLS themselves, in hardware and with AirPlay; hls.js is for the other browsers. */
export function prefersNativeHls(video: HTMLVideoElement, canUseMediaSource: boolean): boolean {
  return (
    canPlayNatively(video) && (!canUseMediaSource || "webkitSupportsPresentationMode" in video)
  );
}

/** Plays the playlist with the browser's own HLS. */
export function openNativeSource({ video, playlistUrl, onLost }: LiveSourceOptions): LiveSource {
  const ended = new AbortController();
  const close = (): void => {
    ended.abort();
    video.removeAttribute("src");
    video.load();
  };
  const lose = (): void => {
    close();
    onLost();
  };
  video.addEventListener("error", lose, { signal: ended.signal });
  video.addEventListener("ended", lose, { signal: ended.signal });
  video.src = playlistUrl;
  playWhenAllowed(video);

  return {
    close,
    readout: () => ({
      latencyS: latencyOf(video),
      widthPx: video.videoWidth,
      heightPx: video.videoHeight,
    }),
  };
}

function latencyOf(video: HTMLVideoElement): number | undefined {
  const { seekable, currentTime } = video;
  return seekable.length > 0 ? seekable.end(seekable.length - 1) - currentTime : undefined;
}
