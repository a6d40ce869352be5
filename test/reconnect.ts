import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { Random } from "../core/index.ts";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { PlaylistChecker } from "./playlist-checker.ts";
import { Publisher } from "./publisher.ts";

/** What a run of a broadcaster who comes and goes is like. */
export interface ReconnectPlan {
  readonly reconnects: number;
  /** Of them, those that come back with another picture size. */
  readonly resized: number;
  /** How long the broadcaster is away, and how long it stays, at least and at most. */
  readonly gapS: readonly [number, number];
  readonly liveS: readonly [number, number];
  readonly seed: number;
}

/** What happened at one reconnect. */
export interface ReconnectResult {
  /** From the kill to the start of the next encoder. */
  readonly gapS: number;
  /** How long the picture stood still. */
  readonly stallS: number;
  readonly widthPx: number;
}

/** What one run showed. */
export interface ReconnectRun {
  readonly results: readonly ReconnectResult[];
  /** Of the page: 1 means that the viewer never reloaded. */
  readonly loads: number;
  readonly playlists: Pick<
    PlaylistChecker,
    "served" | "versions" | "violations" | "discontinuities" | "maps"
  >;
}

const SIZES = [
  [640, 360],
  [960, 540],
  [426, 240],
] as const;
const POLL_MS = 200;
const RESUME_MAX_MS = 60_000;
const PLAYED_FIRST_S = 2;
/** More than is buffered of what came before: a picture that has played this long is that of the new session. */
const PLAYED_ON_S = 5;

/** Remembers for how long the picture of the page's video stood still, in seconds; kept in the page. */
const WATCH_STALLS = `(() => {
  const video = document.querySelector("video");
  const seen = { timeS: -1, atMs: performance.now() };
  window.stalls = [];
  setInterval(() => {
    const nowMs = performance.now();
    if (video.currentTime !== seen.timeS) {
      if (nowMs - seen.atMs > 500) window.stalls.push((nowMs - seen.atMs) / 1000);
      seen.timeS = video.currentTime;
      seen.atMs = nowMs;
    }
  }, 50);
})()`;

/** Runs a whole origin whose broadcaster is killed and comes back, with hls.js in Chromium as its viewer. */
export async function runReconnects(
  plan: ReconnectPlan,
  tell: (line: string) => void = () => undefined,
): Promise<ReconnectRun> {
  const folder = await mkdtemp(join(tmpdir(), "starling-"));
  const origin = new OriginProcess(join(folder, "data"), ["--no-demo", "--playlist-window", "30"]);
  let browser: Browser | undefined;
  const broadcaster = new Broadcaster(origin);
  const poller = new Poller(origin);
  try {
    await origin.start();
    broadcaster.start(0);
    await eventually(
      () => newestSequence(origin),
      30_000,
      () => origin.output,
    );
    poller.start();
    browser = await launchChromium();
    const page = await browser.newPage();
    let loads = 0;
    page.on("load", () => {
      loads += 1;
    });
    await page.goto(`${origin.httpUrl}/watch/main`);
    await eventually(async () => (await playing(page)).timeS > PLAYED_FIRST_S, RESUME_MAX_MS);
    await page.evaluate(WATCH_STALLS);
    const results = await reconnectAgainAndAgain(plan, {
      ...{ page, broadcaster, origin, tell },
      checker: poller.checker,
    });
    const { served, versions, violations, discontinuities, maps } = poller.checker;
    return { results, loads, playlists: { served, versions, violations, discontinuities, maps } };
  } finally {
    await poller.stop();
    await browser?.close();
    await broadcaster.end();
    await origin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function reconnectAgainAndAgain(
  plan: ReconnectPlan,
  parts: {
    readonly page: Page;
    readonly broadcaster: Broadcaster;
    readonly checker: PlaylistChecker;
    readonly origin: OriginProcess;
    readonly tell: (line: string) => void;
  },
): Promise<ReconnectResult[]> {
  const { page, broadcaster, checker, origin, tell } = parts;
  const random = new Random(plan.seed);
  const between = ([min, max]: readonly [number, number]) => min + (max - min) * random.next();
  const resizeEvery = plan.reconnects / Math.max(1, plan.resized);
  const results: ReconnectResult[] = [];
  let resizes = 0;
  for (let index = 0; index < plan.reconnects; index++) {
    await delay(between(plan.liveS) * 1000);
    if (resizes < plan.resized && index >= (resizes + 0.5) * resizeEvery - 1) resizes += 1;
    const gapS = between(plan.gapS);
    await page.evaluate("window.stalls.length = 0");
    const goneAtMs = performance.now();
    await broadcaster.end();
    await delay(gapS * 1000);
    const trueGapS = (performance.now() - goneAtMs) / 1000;
    const widthPx = broadcaster.start(resizes);
    await eventually(() => checker.discontinuities === index + 1, RESUME_MAX_MS);
    const { timeS } = await playing(page);
    await eventually(
      async () => {
        const now = await playing(page);
        return now.timeS > timeS + PLAYED_ON_S && now.width === widthPx;
      },
      RESUME_MAX_MS,
      () => `The viewer did not go on after reconnect ${index + 1}. ${origin.output}`,
    );
    const stallS = await page.evaluate<number>("window.stalls.reduce((sum, one) => sum + one, 0)");
    results.push({ gapS: round(trueGapS), stallS: round(stallS), widthPx });
    tell(
      `reconnect ${index + 1}: away ${round(trueGapS)} s, stalled ${round(stallS)} s, ${widthPx} px`,
    );
  }
  return results;
}

interface Playing {
  readonly timeS: number;
  readonly width: number;
}

function playing(page: Page): Promise<Playing> {
  return page.evaluate(
    `(() => {
      const video = document.querySelector("video");
      return { timeS: video.currentTime, width: video.videoWidth };
    })()`,
  );
}

/** Kills its encoder and starts another one, with the next picture size when told. */
class Broadcaster {
  readonly #origin: OriginProcess;
  #publisher: Publisher | undefined;

  constructor(origin: OriginProcess) {
    this.#origin = origin;
  }

  /** Gives the width of the picture. */
  start(size: number): number {
    const [widthPx, heightPx] = SIZES[size % SIZES.length] ?? SIZES[0];
    const url = `${this.#origin.rtmpUrl}/${this.#origin.streamKey}`;
    this.#publisher = new Publisher({ url, widthPx, heightPx, videoKbps: 800 });
    return widthPx;
  }

  async end(): Promise<void> {
    await this.#publisher?.end("SIGKILL");
  }
}

/** Fetches the playlist as often as any player would, and checks each one. */
class Poller {
  readonly checker = new PlaylistChecker();
  readonly #origin: OriginProcess;
  readonly #stop = new AbortController();
  #polling: Promise<void> = Promise.resolve();

  constructor(origin: OriginProcess) {
    this.#origin = origin;
  }

  start(): void {
    this.#polling = this.#poll();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const response = await fetch(`${this.#origin.httpUrl}/live/main/media.m3u8`);
      const text = await response.text();
      if (response.ok) this.checker.check(text);
      else this.checker.violations.push(`HTTP ${response.status}`);
      await delay(POLL_MS);
    }
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const USAGE = `Usage: npm run e2e:reconnect -- [--reconnects N] [--seed N]

A broadcaster is killed and comes back, 20 times in about 5 minutes and with another picture size in
between, while hls.js plays in Chromium. Every playlist that is served is checked against RFC 8216.
Ends with one JSON line; the exit status is 1 when the viewer had to reload, a playlist was wrong, or
the picture stood still for more than 3 s longer than the broadcaster was away.`;

/** How much longer than the broadcaster's absence the picture may stand still. */
const EXTRA_STALL_MAX_S = 3;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      reconnects: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const reconnects = Number(values.reconnects);
  const run = await runReconnects(
    {
      ...{ reconnects, resized: Math.min(3, reconnects), seed: Number(values.seed) },
      ...{ gapS: [1, 6], liveS: [2, 8] },
    },
    console.log,
  );
  const extraS = run.results.map(({ gapS, stallS }) => stallS - gapS).sort((a, b) => a - b);
  const extraMaxS = round(extraS.at(-1) ?? 0);
  const { served, versions, violations, discontinuities, maps } = run.playlists;
  for (const violation of violations) console.log(`playlist: ${violation}`);
  console.log(
    JSON.stringify({
      ...{ bench: "reconnect", reconnects: run.results.length, loads: run.loads },
      ...{ playlists: served, versions, violations: violations.length, discontinuities, maps },
      ...{ extraStallP50S: round(extraS[extraS.length >> 1] ?? 0), extraStallMaxS: extraMaxS },
    }),
  );
  const isGood = run.loads === 1 && violations.length === 0 && extraMaxS <= EXTRA_STALL_MAX_S;
  if (!isGood || run.results.length < reconnects) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
