import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { pino } from "pino";
import { concatBytes, renditionFolder } from "../core/index.ts";
import { type PeerReport, runPeer } from "../peer/node/index.ts";
import { BrowserViewers } from "./browser-viewers.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";

export interface LadderRunOptions {
  /** How long viewers go from rendition to rendition. */
  readonly seconds: number;
  /** Seconds that they stay. */
  readonly stayS: number;
  readonly viewers: number;
  readonly tell: (line: string) => void;
}

/** What a run came to. */
export interface LadderRun {
  /** What the master playlist says of each rendition, the best first. */
  readonly renditions: readonly { readonly codecs: string; readonly resolution: string }[];
  /** Segments of each rendition that were compared. */
  readonly segments: number;
  /** Segments that do not begin and end at the same picture in all renditions. */
  readonly misaligned: number;
  readonly switches: number;
  /** After the first picture, of all viewers. */
  readonly stalls: number;
  /** How often a viewer's buffer had a hole. */
  readonly gaps: number;
  /** Seconds that the slowest video went on, per second. */
  readonly slowestPace: number;
  /** Of the viewers' bytes, those that came over WebRTC, by rendition. */
  readonly meshShares: readonly number[];
  /** Segments that a headless peer of the middle rendition got, and that it lacked. */
  readonly peer: Pick<PeerReport, "segments" | "missing" | "playedBytes">;
  readonly consoleErrors: readonly string[];
}

const RUNGS = ["360p@800", "240p@350", "144p@150"];
const MIDDLE = 1;
/** From the best to the worst and back. */
const ROUND = [1, 2, 1, 0];
/** Key frames of the source are nowhere near those of the renditions. */
const SOURCE_GOP_S = 3.1;
const SEGMENTS_FIRST = 4;

/** An origin that makes three renditions of what a real ffmpeg publishes, and viewers of its master playlist. */
export class LadderStage {
  readonly origin: OriginProcess;
  readonly viewers: BrowserViewers;
  readonly folder: string;
  #publisher: Publisher | undefined;

  private constructor(folder: string, origin: OriginProcess) {
    this.folder = folder;
    this.origin = origin;
    this.viewers = new BrowserViewers(origin.httpUrl);
  }

  static async open(): Promise<LadderStage> {
    const folder = await mkdtemp(join(tmpdir(), "starling-ladder-"));
    const origin = new OriginProcess(join(folder, "data"), [
      ...["--no-demo", "--renditions", RUNGS.join(","), "--ladder-cores", "8"],
      ...["--retention-count", "2000"],
    ]);
    await origin.start();
    return new LadderStage(folder, origin);
  }

  /** Publishes, and waits for the first segments. */
  async publish(): Promise<void> {
    const { origin } = this;
    const before = (await newestSequence(origin)) ?? 0;
    const url = `${origin.rtmpUrl}/${origin.streamKey}`;
    this.#publisher = new Publisher({ url, gopS: SOURCE_GOP_S });
    await eventually(
      async () => ((await newestSequence(origin)) ?? 0) >= before + SEGMENTS_FIRST,
      30_000,
      () => origin.output,
    );
  }

  /** Ends the publisher as a broadcaster does. */
  async endPublisher(): Promise<void> {
    await this.#publisher?.end();
  }

  /** Adds viewers in Chromium that play. */
  async watch(count: number): Promise<void> {
    for (let viewer = 0; viewer < count; viewer++) {
      await this.viewers.add({ player: "{}", playlist: "master" });
      await this.viewers.playing();
    }
  }

  async close(): Promise<void> {
    await this.viewers.close();
    await this.#publisher?.end("SIGKILL");
    await this.origin.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * A real ffmpeg publishes to an origin that makes three renditions of it. Viewers in Chromium, in the mesh, go
 * from one to the next; then all segments of all renditions are compared.
 */
export async function runLadder(options: LadderRunOptions): Promise<LadderRun> {
  const stop = new AbortController();
  const stage = await LadderStage.open();
  const { origin, viewers, folder } = stage;
  try {
    await stage.publish();
    const peer = runPeer({
      ...{ apiUrl: origin.httpUrl, stream: "main", rendition: MIDDLE, signal: stop.signal },
      ...{ log: pino({ level: "silent" }), onSegment: () => undefined },
    });
    await stage.watch(options.viewers);
    const watched = await goRound(viewers, options);
    stop.abort();
    const { segments, missing, playedBytes } = await peer;
    await stage.endPublisher();
    return {
      renditions: await masterOf(origin.httpUrl),
      ...(await compare(origin.httpUrl, folder)),
      ...watched,
      peer: { segments, missing, playedBytes },
      consoleErrors: viewers.errors,
    };
  } finally {
    stop.abort();
    await stage.close();
  }
}

/** Lets all viewers load one rendition after the other. */
async function goRound(viewers: BrowserViewers, { seconds, stayS, tell }: LadderRunOptions) {
  await viewers.load(0);
  await delay(stayS * 1000);
  const first = await viewers.states();
  const startedAtMs = performance.now();
  const sums = RUNGS.map(() => ({ mesh: 0, http: 0 }));
  let switches = 0;
  let gaps = 0;
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = performance.now() - startedAtMs) {
    const rendition = ROUND[switches % ROUND.length] ?? 0;
    await viewers.load(rendition);
    switches++;
    await eventually(
      async () => (await viewers.states()).every((state) => state.rendition === rendition),
      20_000,
      () => viewers.errors.join("\n"),
    );
    const before = await viewers.states();
    for (let second = 0; second < stayS; second++) {
      await delay(1000);
      gaps += (await viewers.bufferPieces()).filter((pieces) => pieces > 1).length;
    }
    const sum = sums[rendition];
    for (const [viewer, state] of (await viewers.states()).entries()) {
      const since = (pick: (one: typeof state) => number) =>
        pick(state) - (before[viewer] === undefined ? 0 : pick(before[viewer]));
      if (sum === undefined) continue;
      sum.mesh += since(({ fromPeersBytes, fromSeedsBytes }) => fromPeersBytes + fromSeedsBytes);
      sum.http += since(({ fromHttpBytes }) => fromHttpBytes);
    }
    tell(`switch ${switches}: rendition ${rendition}, gaps ${gaps}`);
  }
  const last = await viewers.states();
  const elapsedS = (performance.now() - startedAtMs) / 1000;
  const paces = last.map(({ timeS }, viewer) => (timeS - (first[viewer]?.timeS ?? 0)) / elapsedS);
  return {
    ...{ switches, gaps },
    stalls: last.reduce((sum, { stalls }) => sum + stalls, 0),
    slowestPace: Math.min(...paces),
    meshShares: sums.map(({ mesh, http }) => mesh / Math.max(1, mesh + http)),
  };
}

async function masterOf(httpUrl: string): Promise<LadderRun["renditions"]> {
  const text = await (await fetch(`${httpUrl}/live/main/master.m3u8`)).text();
  return [...text.matchAll(/^#EXT-X-STREAM-INF:(.*)$/gm)].map(([, attributes = ""]) => ({
    codecs: /CODECS="([^"]*)"/.exec(attributes)?.[1] ?? "",
    resolution: /RESOLUTION=([\dx]+)/.exec(attributes)?.[1] ?? "",
  }));
}

/** Compares where the segments of all renditions begin, as ffprobe sees them. */
async function compare(httpUrl: string, folder: string) {
  const boundaries = await Promise.all(
    RUNGS.map((_, rendition) => boundariesOf(httpUrl, folder, rendition)),
  );
  const [best = [], ...others] = boundaries;
  const isSame = (boundary: string, at: number) => others.every((other) => other[at] === boundary);
  const segments = Math.max(...boundaries.map(({ length }) => length));
  return { segments, misaligned: segments - best.filter(isSame).length };
}

/** The times of the key frames of a whole rendition, each of which begins a segment. */
async function boundariesOf(httpUrl: string, folder: string, rendition: number): Promise<string[]> {
  const files: Uint8Array[] = [];
  const base = `${httpUrl}/live/main/${renditionFolder(rendition)}`;
  for (let name = "init-0.mp4"; ; name = `${files.length - 1}.m4s`) {
    const response = await fetch(`${base}${name}`);
    if (!response.ok) break;
    files.push(new Uint8Array(await response.arrayBuffer()));
  }
  const path = join(folder, `${rendition}.mp4`);
  await writeFile(path, concatBytes(...files));
  const { stdout } = await promisify(execFile)(
    "ffprobe",
    [
      ...["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"],
      ...["-of", "csv=p=0", path],
    ],
    { maxBuffer: 64 << 20 },
  );
  const keyFrames = stdout.split("\n").filter((line) => line.includes(",K"));
  const segments = files.length - 1;
  if (keyFrames.length !== segments) {
    throw new Error(`Rendition ${rendition}: ${segments} segments, ${keyFrames.length} key frames`);
  }
  return keyFrames;
}
