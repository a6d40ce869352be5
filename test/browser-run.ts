import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BrowserStage, type HeadlessPeer } from "./browser-stage.ts";
import type { PageState } from "./browser-viewers.ts";
import type { OriginProcess } from "./origin-process.ts";

export interface BrowserRunOptions {
  readonly viewers: number;
  /** Length of the steady state that is measured. */
  readonly seconds: number;
  /** Where screenshots go; left out, none are made. */
  readonly screenshotDir?: string | undefined;
  readonly videoKbps?: number | undefined;
  readonly tell?: (line: string) => void;
}

/** What viewers in Chromium came to, beside one headless peer. */
export interface BrowserRun {
  /** Stalls in the steady state. */
  readonly stalls: number;
  /** Of the browsers' media bytes, what came over WebRTC, and what of that came from other viewers. */
  readonly p2pShare: number;
  readonly peersShare: number;
  /** What the origin sent of the stream, by its seeder and over HTTP, in copies of it. */
  readonly originCopies: number;
  readonly latencyP50S: number;
  readonly latencyP95S: number;
  readonly startupP95Ms: number;
  /** Seconds that the slowest viewer's video went on in the steady state, per second. */
  readonly slowestPace: number;
  /** Share of a core that a page's own thread takes, of the busiest viewer. */
  readonly pageThreadShare: number;
  /** The memory of a tab at the start of the steady state, each minute, and at its end, megabytes. */
  readonly tabMegabytes: readonly number[];
  /** Viewers whose mesh has a worker. */
  readonly workers: number;
  /** Refusals of all viewers. */
  readonly rejected: number;
  readonly consoleErrors: readonly string[];
  /** Connections of a viewer whose player was taken from it: made, and still open then. */
  readonly connections: { readonly made: number; readonly open: number };
}

const SETTLE_MS = 10_000;
const SAMPLE_EVERY_MS = 1000;
const MEASURE_MEMORY_EVERY_MS = 60_000;

/** Runs an origin, a publisher, a headless peer and viewers in Chromium, and measures. */
export async function runBrowsers(options: BrowserRunOptions): Promise<BrowserRun> {
  const stage = await BrowserStage.open(options.viewers, options);
  try {
    await delay(SETTLE_MS);
    return await measure(options, stage);
  } finally {
    await stage.close();
  }
}

async function measure(
  { seconds, screenshotDir, tell = () => undefined }: BrowserRunOptions,
  { origin, viewers, peer }: BrowserStage,
): Promise<BrowserRun> {
  const tabMegabytes = [await viewers.tabMegabytes()];
  const before = {
    states: await viewers.states(),
    threadTimesS: await viewers.threadTimesS(),
    sent: await sentBytes(origin, peer),
  };
  const startedAtMs = performance.now();
  const latenciesS: number[] = [];
  while (performance.now() - startedAtMs < seconds * 1000) {
    await delay(SAMPLE_EVERY_MS);
    if (performance.now() - startedAtMs > tabMegabytes.length * MEASURE_MEMORY_EVERY_MS) {
      tabMegabytes.push(await viewers.tabMegabytes());
    }
    for (const { latencyS } of await viewers.states()) {
      if (latencyS !== null) latenciesS.push(latencyS);
    }
  }
  const states = await viewers.states();
  const elapsedS = (performance.now() - startedAtMs) / 1000;
  const sent = await sentBytes(origin, peer);
  const threadTimesS = await viewers.threadTimesS();
  if (screenshotDir !== undefined) {
    await viewers.screenshot(0, join(screenshotDir, "watch.png"));
    tell(`Screenshots are in ${screenshotDir}.`);
  }
  const sum = (pick: (state: PageState) => number): number =>
    states.reduce((total, state, viewer) => {
      return total + pick(state) - pick(before.states[viewer] ?? state);
    }, 0);
  const peersBytes = sum(({ fromPeersBytes }) => fromPeersBytes);
  const seedsBytes = sum(({ fromSeedsBytes }) => fromSeedsBytes);
  const httpBytes = sum(({ fromHttpBytes }) => fromHttpBytes);
  const bytes = peersBytes + seedsBytes + httpBytes;
  const originBytes =
    seedsBytes + (sent.toPeer - before.sent.toPeer) + sent.http - before.sent.http;
  const copyBytes = sum(({ playedBytes }) => playedBytes) / states.length;
  return {
    stalls: sum(({ stalls }) => stalls),
    p2pShare: (peersBytes + seedsBytes) / bytes,
    peersShare: peersBytes / bytes,
    originCopies: originBytes / copyBytes,
    latencyP50S: quantile(latenciesS, 0.5),
    latencyP95S: quantile(latenciesS, 0.95),
    startupP95Ms: Math.round(
      quantile(
        states.map(({ startupMs }) => startupMs ?? Number.POSITIVE_INFINITY),
        0.95,
      ),
    ),
    slowestPace: Math.min(
      ...states.map(({ timeS }, viewer) => {
        return (timeS - (before.states[viewer]?.timeS ?? 0)) / elapsedS;
      }),
    ),
    pageThreadShare: Math.max(
      ...threadTimesS.map((timeS, viewer) => {
        return (timeS - (before.threadTimesS[viewer] ?? 0)) / elapsedS;
      }),
    ),
    tabMegabytes: [...tabMegabytes, await viewers.tabMegabytes()],
    workers: states.filter(({ isInWorker }) => isInWorker).length,
    rejected: sum(({ rejected }) => Object.values(rejected).reduce((all, one) => all + one, 0)),
    connections: await viewers.connectionsAfterDestroy(0),
    consoleErrors: viewers.errors,
  };
}

/** Media that the origin sent over HTTP to anybody, and its seeder to the headless peer, bytes. */
async function sentBytes(
  origin: OriginProcess,
  peer: HeadlessPeer,
): Promise<{ readonly http: number; readonly toPeer: number }> {
  const metrics = await (await fetch(`${origin.httpUrl}/metrics`)).text();
  const line = /^starling_http_media_bytes_total\{kind="segment"\} (\d+)/m.exec(metrics);
  return { http: Number(line?.[1] ?? 0), toPeer: peer.report?.fromSeedsBytes ?? 0 };
}

/** The nearest-rank quantile for 0 < `share` <= 1; 0 without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}
