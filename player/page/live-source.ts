import type { StarlingStats } from "../index.ts";
import type { Readout } from "./readout.ts";

/** One attempt to play a live playlist in a video element. It ends with `close()`, or by itself with `onLost`. */
export interface LiveSource {
  readout(): Readout;
  /** How it does in the mesh, if it is in one. */
  mesh?(): StarlingStats;
  close(): void;
}

export interface LiveSourceOptions {
  readonly video: HTMLVideoElement;
  readonly playlistUrl: string;
  /** Called at most once: the stream is gone or beyond repair. The source has closed itself; ask for the status and start anew. */
  readonly onLost: () => void;
}

/** Starts playback; a browser that forbids autoplay leaves the picture paused with its own play button. */
export function playWhenAllowed(video: HTMLVideoElement): void {
  video.play().catch(() => undefined);
}
