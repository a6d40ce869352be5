import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { IngestCase } from "./ingest-case.ts";

/** The encoders that publish. */
export const INGEST_CLIENTS = ["ffmpeg", "gstreamer"] as const;
export type ClientName = (typeof INGEST_CLIENTS)[number];

const PROGRAMS = { ffmpeg: "ffmpeg", gstreamer: "gst-launch-1.0" } as const;
const GSTREAMER_MISSING =
  "gst-launch-1.0 is not installed: apt-get install gstreamer1.0-tools gstreamer1.0-libav " +
  "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly";
/** That a client knows no way to put the codec into the protocol's container. */
const CANNOT_SEND = /not compatible with flv|not-negotiated|could not link/;

/** Why a client cannot run on this machine; undefined: it can. */
export function whyNoClient(client: ClientName): string | undefined {
  const isThere =
    spawnSync(PROGRAMS[client], ["--version"], { stdio: "ignore" }).error === undefined;
  if (isThere || client === "ffmpeg") return undefined;
  return GSTREAMER_MISSING;
}

/** A real encoder that publishes in real time: what a file holds, or, without one, what it encodes itself. */
export class IngestClient {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  /** What it complained about. */
  said = "";

  constructor(client: ClientName, ingestCase: IngestCase, url: string, file?: string) {
    const args =
      client === "ffmpeg"
        ? ffmpegArguments(url, file ?? "")
        : gstreamerArguments(url, file === undefined ? LIVE : fromFile(ingestCase, file));
    this.#child = spawn(PROGRAMS[client], args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#closed = once(this.#child, "close");
    this.#child.stderr?.on("data", (chunk) => {
      this.said = `${this.said}${chunk}`.slice(-4000);
    });
  }

  /** It cannot send the codec in the protocol's own format at all. */
  get cannotSend(): boolean {
    return this.hasEnded && CANNOT_SEND.test(this.said);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async end(): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.#closed;
  }
}

function ffmpegArguments(url: string, file: string): string[] {
  const format = url.startsWith("srt:") ? "mpegts" : "flv";
  return [
    ...["-nostdin", "-hide_banner", "-loglevel", "error"],
    ...["-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-f", format, url],
  ];
}

function gstreamerArguments(url: string, sources: readonly string[]): string[] {
  const out = url.startsWith("srt:")
    ? `mpegtsmux name=mux alignment=7 ! clocksync ! srtsink uri="${url}"`
    : `flvmux name=mux streamable=true ! clocksync ! rtmp2sink location=${url}`;
  return ["-e", "-q", ...[out, ...sources].flatMap((part) => part.split(" "))];
}

/** The file once. It is muxed ahead of the clock: a muxer of live sources moves timestamps about. */
function fromFile({ video, audio }: IngestCase, file: string): string[] {
  return [
    `filesrc location=${file} ! qtdemux name=demux`,
    ...(video === "none"
      ? []
      : [`demux.video_0 ! queue ! ${video}parse config-interval=-1 ! mux.`]),
    ...(audio ? ["demux.audio_0 ! queue ! aacparse ! mux."] : []),
  ];
}

/** As docs/broadcast.md has it. */
const LIVE = [
  "videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! " +
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=1200 ! h264parse ! mux.",
  "audiotestsrc is-live=true ! audioconvert ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! mux.",
];
