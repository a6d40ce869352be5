import { setTimeout as delay } from "node:timers/promises";
import { BrowserStage } from "./browser-stage.ts";
import type { PageState, ViewerChoice } from "./browser-viewers.ts";
import { eventually } from "./eventually.ts";
import { Lab, type LabLink } from "./lab.ts";

/** What a viewer chose, second by second, and how it got on. */
export interface AbrViewer {
  /** 0 is the best. */
  readonly renditions: readonly number[];
  readonly changes: number;
  readonly stalls: number;
  readonly p2pShare: number;
}

export interface AbrRunOptions {
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

const RUNG_KBPS = [1500, 600, 200];
const RUNGS = ["360p", "240p", "144p"];
const AUDIO_KBPS = 160;
/** What the headers of IP, UDP, DTLS and SCTP, or of TCP, add. */
const HEADERS = 1.1;
const MIDDLE_KBPS = 600 + AUDIO_KBPS;
const GOOD: LabLink = { uplinkKbps: 20_000, downlinkKbps: 20_000, delayMs: 10, lossShare: 0 };
const LIMITED: LabLink = {
  uplinkKbps: 1000,
  downlinkKbps: 1.5 * MIDDLE_KBPS * HEADERS,
  delayMs: 20,
  lossShare: 0,
};
const HELPERS = 1;
const SETTLE_MS = 20_000;
const PLAY_TIMEOUT_MS = 60_000;

/**
 * In a lab, beside a viewer with a good line, one in the mesh and one with plain hls.js, each behind a line of 1.5
 * times the middle of three renditions: which ones they choose.
 */
export async function runAbr(
  options: AbrRunOptions,
): Promise<{ readonly starling: AbrViewer; readonly plain: AbrViewer }> {
  const lab = await Lab.start([GOOD, GOOD, LIMITED, LIMITED]);
  try {
    const { hosts } = lab;
    const renditions = RUNGS.map((rung, place) => `${rung}@${RUNG_KBPS[place]}`).join(",");
    const stage = await BrowserStage.open(HELPERS, {
      hosts,
      originArguments: [
        ...["--renditions", renditions, "--ladder-cores", "8"],
        ...["--seeder-upload-mbps", "10", "--seeder-peer-upload-mbps", "10"],
      ],
      tell: options.tell,
    });
    try {
      const places = hosts.slice(1 + HELPERS).map(({ enter }) => enter);
      const choices: ViewerChoice[] = [
        { player: "{}", playlist: "master", enter: places[0] },
        { player: "{ p2p: false }", playlist: "master", enter: places[1] },
      ];
      for (const choice of choices) await stage.viewers.add(choice);
      return await measure(options, stage);
    } finally {
      await stage.close();
    }
  } finally {
    await lab.stop();
  }
}

async function measure({ seconds, tell }: AbrRunOptions, { viewers }: BrowserStage) {
  const limited = async (): Promise<PageState[]> => (await viewers.states()).slice(HELPERS);
  await eventually(
    async () => (await limited()).every(({ startupMs }) => startupMs !== null),
    PLAY_TIMEOUT_MS,
    () => viewers.errors.join("\n"),
  );
  await delay(SETTLE_MS);
  tell("Both limited viewers play.");
  const before = await limited();
  const chosen: [number[], number[]] = [[], []];
  const estimatesKbps: [number[], number[]] = [[], []];
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < seconds * 1000) {
    await delay(1000);
    for (const [viewer, { rendition, bandwidthKbps }] of (await limited()).entries()) {
      chosen[viewer]?.push(rendition);
      estimatesKbps[viewer]?.push(bandwidthKbps);
    }
  }
  const after = await limited();
  const resultOf = (viewer: 0 | 1): AbrViewer => {
    const since = (pick: (state: PageState) => number): number => {
      return pick(after[viewer] as PageState) - pick(before[viewer] as PageState);
    };
    const webRtcBytes = since((state) => state.fromPeersBytes + state.fromSeedsBytes);
    const renditions = chosen[viewer];
    const name = viewer === 0 ? "Starling" : "plain hls.js";
    tell(
      `${name}: ${renditions.join("")}; takes the line for ${estimatesKbps[viewer].join(" ")} kb/s`,
    );
    return {
      renditions,
      changes: renditions.filter((one, at) => at > 0 && one !== renditions[at - 1]).length,
      stalls: since(({ stalls }) => stalls),
      p2pShare: webRtcBytes / Math.max(1, webRtcBytes + since((state) => state.fromHttpBytes)),
    };
  };
  return { starling: resultOf(0), plain: resultOf(1) };
}
