import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "./browser-run.ts";
import { BrowserStage } from "./browser-stage.ts";
import type { PageState, ViewerChoice } from "./browser-viewers.ts";
import { eventually } from "./eventually.ts";
import { Lab, type LabLink } from "./lab.ts";

/** How a viewer behind a bad line did. */
export interface ImpairedViewer {
  readonly stalls: number;
  /** Looks, one a second, between which the picture had hardly moved. */
  readonly stillS: number;
  readonly latencyP50S: number;
  readonly latencyP95S: number;
  /** Seconds that the video went on, per second. */
  readonly pace: number;
  readonly p2pShare: number;
}

export interface ImpairedRunOptions {
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

const STREAM_KBPS = 1160;
const VIDEO_KBPS = 1000;
/** What the headers of IP, UDP, DTLS and SCTP, or of TCP, add. */
const HEADERS = 1.1;
const GOOD: LabLink = { uplinkKbps: 10_000, downlinkKbps: 20_000, delayMs: 10, lossShare: 0 };
const IMPAIRED: LabLink = {
  uplinkKbps: 1000,
  downlinkKbps: 1.2 * STREAM_KBPS * HEADERS,
  delayMs: 20,
  lossShare: 0.05,
  downlinkLossShare: 0.05,
};
const HELPERS = 3;
const SETTLE_MS = 15_000;
/** A picture that moved by less in a second stood still. */
const STILL_S = 0.2;
const PLAY_TIMEOUT_MS = 60_000;

/**
 * In a lab, three viewers with good lines, and behind two lines with 1.2 times the stream's rate and 5 % of the packets lost
 * each way one viewer by Starling and one by plain hls.js, at the same time.
 */
export async function runImpaired(
  options: ImpairedRunOptions,
): Promise<{ readonly starling: ImpairedViewer; readonly plain: ImpairedViewer }> {
  const lab = await Lab.start([
    ...Array.from({ length: 1 + HELPERS }, () => GOOD),
    ...[IMPAIRED, IMPAIRED],
  ]);
  try {
    const { hosts } = lab;
    const { tell } = options;
    const stage = await BrowserStage.open(HELPERS, { hosts, videoKbps: VIDEO_KBPS, tell });
    try {
      const places = hosts.slice(1 + HELPERS).map(({ enter }) => enter);
      const choices: ViewerChoice[] = [
        { player: "{}", enter: places[0] },
        { player: "{ p2p: false }", enter: places[1] },
      ];
      for (const choice of choices) await stage.viewers.add(choice);
      return await measure(options, stage);
    } finally {
      await stage.close();
    }
  } finally {
    const [, , , , impaired] = await lab.stop();
    options.tell(`packets of the impaired viewer in the mesh: ${JSON.stringify(impaired)}`);
  }
}

async function measure({ seconds, tell }: ImpairedRunOptions, { viewers }: BrowserStage) {
  const impaired = async (): Promise<PageState[]> => (await viewers.states()).slice(HELPERS);
  await eventually(
    async () => (await impaired()).every(({ startupMs }) => startupMs !== null),
    PLAY_TIMEOUT_MS,
    () => viewers.errors.join("\n"),
  );
  await delay(SETTLE_MS);
  tell("Both impaired viewers play.");
  const before = await impaired();
  const latenciesS: [number[], number[]] = [[], []];
  const still = [0, 0];
  let timesS = before.map(({ timeS }) => timeS);
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < seconds * 1000) {
    await delay(1000);
    const states = await impaired();
    for (const [viewer, { latencyS, timeS }] of states.entries()) {
      if (latencyS !== null) latenciesS[viewer]?.push(latencyS);
      if (timeS - (timesS[viewer] ?? 0) < STILL_S) still[viewer] = (still[viewer] ?? 0) + 1;
    }
    timesS = states.map(({ timeS }) => timeS);
  }
  const after = await impaired();
  const elapsedS = (performance.now() - startedAtMs) / 1000;
  const resultOf = (viewer: 0 | 1): ImpairedViewer => {
    const since = (pick: (state: PageState) => number): number => {
      return pick(after[viewer] as PageState) - pick(before[viewer] as PageState);
    };
    const webRtcBytes = since((state) => state.fromPeersBytes + state.fromSeedsBytes);
    return {
      stalls: since(({ stalls }) => stalls),
      stillS: still[viewer] ?? 0,
      latencyP50S: quantile(latenciesS[viewer], 0.5),
      latencyP95S: quantile(latenciesS[viewer], 0.95),
      pace: since(({ timeS }) => timeS) / elapsedS,
      p2pShare: webRtcBytes / (webRtcBytes + since(({ fromHttpBytes }) => fromHttpBytes)),
    };
  };
  return { starling: resultOf(0), plain: resultOf(1) };
}
