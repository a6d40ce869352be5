import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type BrowserRun, runBrowsers } from "./browser-run.ts";
import { type ImpairedViewer, runImpaired } from "./impaired-run.ts";
import { Lab } from "./lab.ts";

const HELP = `Usage: npm run e2e:browser -- [options]

Starts an origin, a real ffmpeg, a headless peer and viewers in Chromium on the studio's watch page, each
in a context of its own. The seeder may send a stream and a half. Measures a steady state.

  --viewers <n>   viewers in Chromium (default 6)
  --seconds <n>   length of the steady state that is measured (default 90)
  --video-kbps <n>  what the publisher sends (default 1000)
  --lab           instead: viewers on hosts of an emulated network; one in the mesh and one with plain hls.js
                  behind a line of 1.2 times the stream that loses 5 % of the packets. Linux, root
  --help          this text

Ends with one JSON line; the exit status is 1 unless there is no stall, at least 75 % of the viewers' bytes
came over WebRTC, and the origin sent at most 2.0 copies of the stream.`;

const P2P_SHARE_MIN = 0.75;
const ORIGIN_COPIES_MAX = 2;
/** Seconds of video a second, of a viewer that keeps playing. */
const PACE_MIN = 0.95;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      viewers: { type: "string", default: "6" },
      seconds: { type: "string", default: "90" },
      "video-kbps": { type: "string", default: "1000" },
      lab: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const seconds = Number(values.seconds);
  if (values.lab) {
    await runLab(seconds);
    return;
  }
  const viewers = Number(values.viewers);
  const run = await runBrowsers({
    viewers,
    seconds,
    videoKbps: Number(values["video-kbps"]),
    screenshotDir: await mkdtemp(join(tmpdir(), "starling-screenshots-")),
    tell: console.log,
  });
  print(viewers, run);
  const isGood =
    run.stalls === 0 && run.p2pShare >= P2P_SHARE_MIN && run.originCopies <= ORIGIN_COPIES_MAX;
  if (!isGood) process.exitCode = 1;
}

async function runLab(seconds: number): Promise<void> {
  const lacking = await Lab.lacks();
  if (lacking !== undefined) {
    console.error(`--lab: ${lacking}`);
    process.exitCode = 1;
    return;
  }
  const { starling, plain } = await runImpaired({ seconds, tell: console.log });
  const line = (viewer: ImpairedViewer): object =>
    Object.fromEntries(Object.entries(viewer).map(([name, value]) => [name, rounded(value)]));
  console.log(
    JSON.stringify({ bench: "browser-lab", starling: line(starling), plain: line(plain) }),
  );
  if (starling.stalls > plain.stalls || starling.pace < PACE_MIN) process.exitCode = 1;
}

function print(viewers: number, run: BrowserRun): void {
  console.log(`from other viewers ${rounded(run.peersShare)} of all bytes`);
  console.log(`slowest viewer: ${rounded(run.slowestPace)} s a second`);
  const share = (100 * run.pageThreadShare).toFixed(1);
  console.log(`${run.workers} of ${viewers} in a worker; busiest page thread ${share} % of a core`);
  const megabytes = run.tabMegabytes.map((memory) => memory.toFixed(0)).join(", ");
  console.log(`memory of a tab, each minute: ${megabytes} MB`);
  console.log(`connections after destroy: ${run.connections.open} of ${run.connections.made} open`);
  console.log(`console errors: ${run.consoleErrors.join("; ") || "none"}`);
  const { stalls, p2pShare, originCopies, latencyP50S, latencyP95S, startupP95Ms } = run;
  console.log(
    JSON.stringify({
      bench: "browser",
      ...{ viewers, stalls },
      p2pShare: rounded(p2pShare),
      originCopies: rounded(originCopies),
      latencyP50S: rounded(latencyP50S),
      latencyP95S: rounded(latencyP95S),
      startupP95Ms,
    }),
  );
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

if (process.argv[1] === import.meta.filename) await main();
