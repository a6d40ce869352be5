import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type PeerReport, runPeer } from "../peer/node/index.ts";
import { BrowserViewers } from "./browser-viewers.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import type { LabHost } from "./lab.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";

const VIDEO_KBPS = 1000;
const AUDIO_KBPS = 160;
/** What the seeder may send, in streams: viewers have to help each other. */
const SEEDER_STREAMS = 1.55;
const SEGMENTS_FIRST = 4;

export interface BrowserStageOptions {
  /** Default 1000. */
  readonly videoKbps?: number | undefined;
  /** Where the origin is, then each viewer. By default all are here. */
  readonly hosts?: readonly LabHost[] | undefined;
  /** For the origin, beside the stage's own. */
  readonly originArguments?: readonly string[] | undefined;
  readonly tell?: ((line: string) => void) | undefined;
}

/** An origin, a publisher, a headless peer, and viewers in Chromium that play. */
export class BrowserStage {
  readonly origin: OriginProcess;
  readonly peer: HeadlessPeer;
  readonly viewers: BrowserViewers;
  readonly #folder: string;
  readonly #publisher: Publisher;

  private constructor(
    folder: string,
    parts: {
      readonly origin: OriginProcess;
      readonly publisher: Publisher;
      readonly peer: HeadlessPeer;
      readonly viewers: BrowserViewers;
    },
  ) {
    this.#folder = folder;
    this.#publisher = parts.publisher;
    this.origin = parts.origin;
    this.peer = parts.peer;
    this.viewers = parts.viewers;
  }

  /** Starts it all, one viewer after the other, and waits until all play. */
  static async open(count: number, options: BrowserStageOptions = {}): Promise<BrowserStage> {
    const { videoKbps = VIDEO_KBPS, hosts = [], originArguments = [] } = options;
    const { tell = () => undefined } = options;
    const folder = await mkdtemp(join(tmpdir(), "starling-"));
    const seederMbps = (((videoKbps + AUDIO_KBPS) / 1000) * SEEDER_STREAMS).toFixed(1);
    const upload = ["--seeder-upload-mbps", seederMbps, "--seeder-peer-upload-mbps", seederMbps];
    const [place] = hosts;
    const address =
      place === undefined ? [] : ["--host", place.address, "--webrtc-address", place.address];
    const args = ["--no-demo", ...upload, ...address, ...originArguments];
    const origin = new OriginProcess(join(folder, "data"), args);
    await origin.start();
    const url = `${origin.rtmpUrl}/${origin.streamKey}`;
    const publisher = new Publisher({ url, videoKbps });
    const viewers = new BrowserViewers(origin.httpUrl);
    const peer = new HeadlessPeer(origin.httpUrl, place?.address);
    const stage = new BrowserStage(folder, { origin, publisher, peer, viewers });
    try {
      await eventually(
        async () => ((await newestSequence(origin)) ?? 0) >= SEGMENTS_FIRST,
        30_000,
        () => origin.output,
      );
      for (let viewer = 0; viewer < count; viewer++) {
        await viewers.add({ enter: hosts[viewer + 1]?.enter });
        // Starting takes much of a small machine, and those who are there want to play.
        await viewers.playing();
        tell(`${viewers.count} of ${count} viewers play.`);
      }
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  async close(): Promise<void> {
    await this.viewers.close();
    await this.peer.leave();
    await this.#publisher.end("SIGKILL");
    await this.origin.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A peer of the mesh in this process. */
export class HeadlessPeer {
  /** What it told last. */
  report: PeerReport | undefined;
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(apiUrl: string, bindAddress?: string) {
    this.#ended = runPeer({
      ...{ apiUrl, bindAddress },
      signal: this.#stop.signal,
      stream: "main",
      log: pino({ level: "silent" }),
      onSegment: () => undefined,
      onReport: (report) => {
        this.report = report;
      },
    });
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}
