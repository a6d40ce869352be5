import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import {
  eventually,
  launchChromium,
  newestSequence,
  OriginProcess,
  Publisher,
  packageFile,
} from "../test/index.ts";

const HELP = `Usage: npm run bench:peers -- [options]

Viewers in Chromium watch the same stream by plain hls.js, by p2p-media-loader (with bittorrent-tracker's
tracker on loopback) and by Starling, one after the other, at several target latencies. Asks the npm
registry for p2p-media-loader, into a temporary folder.

  --viewers <n>     viewers at a time (default 5)
  --seconds <n>     length of each steady state that is measured (default 30)
  --latencies <s>   target latencies, seconds (default 2,4,8)
  --help            this text

Ends with one JSON line.`;

const RIVAL = "p2p-media-loader-hlsjs@2.3.1";
const MODES = ["hls.js", "p2p-media-loader", "starling"] as const;
const VIDEO_KBPS = 1000;
const SEEDER_MBPS = "1.8";
const SETTLE_MS = 15_000;
const SAMPLE_EVERY_MS = 1000;

interface Viewer {
  readonly playedBytes: number;
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  readonly fromHttpBytes: number;
  readonly stalls: number;
  readonly startupMs: number | null;
  readonly latencyS: number;
}

interface Row {
  readonly mode: (typeof MODES)[number];
  readonly targetS: number;
  /** 1 - what the origin sent / what viewers played. */
  readonly offload: number;
  readonly originCopies: number;
  readonly latencyP50S: number;
  readonly latencyP95S: number;
  readonly startupP95Ms: number;
  readonly stalls: number;
  /** Share of one core, of all of Chromium. */
  readonly cpuPerViewer: number;
}

/** What all runs share. */
interface World {
  readonly origin: OriginProcess;
  readonly siteUrl: string;
  readonly trackerUrl: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      viewers: { type: "string", default: "5" },
      seconds: { type: "string", default: "30" },
      latencies: { type: "string", default: "2,4,8" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "starling-"));
  const upload = ["--seeder-upload-mbps", SEEDER_MBPS, "--seeder-peer-upload-mbps", SEEDER_MBPS];
  const origin = new OriginProcess(join(folder, "data"), ["--no-demo", ...upload]);
  let publisher: Publisher | undefined;
  const closing: (() => unknown)[] = [];
  try {
    await promisify(execFile)("npm", ["install", "--ignore-scripts", "--no-audit", RIVAL], {
      cwd: folder,
    });
    const site = await serve(await bundles(folder));
    const tracker = await startTracker(folder);
    closing.push(() => site.close(), tracker.close);
    await origin.start();
    publisher = new Publisher({
      url: `${origin.rtmpUrl}/${origin.streamKey}`,
      videoKbps: VIDEO_KBPS,
    });
    await eventually(async () => ((await newestSequence(origin)) ?? 0) >= 12, 40_000);
    const siteUrl = `http://localhost:${(site.address() as AddressInfo).port}`;
    const world = { origin, siteUrl, trackerUrl: tracker.url };
    const rows = await compare(world, {
      viewers: Number(values.viewers),
      seconds: Number(values.seconds),
      latenciesS: values.latencies.split(",").map(Number),
    });
    console.log(JSON.stringify({ bench: "peers", viewers: Number(values.viewers), rows }));
  } finally {
    for (const close of closing) close();
    await publisher?.end("SIGKILL");
    await origin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(
  world: World,
  plan: {
    readonly viewers: number;
    readonly seconds: number;
    readonly latenciesS: readonly number[];
  },
): Promise<Row[]> {
  console.log("target  mode              offload  copies  latency p50/p95  start-up  stalls  CPU");
  const rows: Row[] = [];
  for (const targetS of plan.latenciesS) {
    for (const mode of MODES) {
      const row = await measure(world, mode, { ...plan, targetS });
      rows.push(row);
      const { offload, originCopies, latencyP50S, latencyP95S, startupP95Ms, stalls } = row;
      console.log(
        [
          `${targetS} s`.padEnd(7),
          mode.padEnd(17),
          String(offload).padEnd(8),
          String(originCopies).padEnd(7),
          `${latencyP50S} / ${latencyP95S} s`.padEnd(16),
          `${startupP95Ms} ms`.padEnd(9),
          String(stalls).padEnd(7),
          row.cpuPerViewer,
        ].join(" "),
      );
    }
  }
  return rows;
}

async function measure(
  { origin, siteUrl, trackerUrl }: World,
  mode: Row["mode"],
  {
    viewers: count,
    seconds,
    targetS,
  }: { readonly viewers: number; readonly seconds: number; readonly targetS: number },
): Promise<Row> {
  const browser = await launchChromium();
  try {
    const query = new URLSearchParams({
      mode,
      src: `${origin.httpUrl}/live/main/media.m3u8`,
      latencyS: String(targetS),
      tracker: trackerUrl,
    });
    const pages: Page[] = [];
    for (let viewer = 0; viewer < count; viewer++) {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${siteUrl}/?${query}`);
      pages.push(page);
      await eventually(async () => (await read(page)).startupMs !== null, 60_000);
    }
    await delay(SETTLE_MS);
    const before = {
      viewers: await Promise.all(pages.map(read)),
      ...(await meter(origin, browser)),
    };
    const latenciesS: number[] = [];
    const startedAtMs = performance.now();
    while (performance.now() - startedAtMs < seconds * 1000) {
      await delay(SAMPLE_EVERY_MS);
      for (const { latencyS } of await Promise.all(pages.map(read))) latenciesS.push(latencyS);
    }
    const after = {
      viewers: await Promise.all(pages.map(read)),
      ...(await meter(origin, browser)),
    };
    const elapsedS = (performance.now() - startedAtMs) / 1000;
    const since = (pick: (viewer: Viewer) => number): number =>
      after.viewers.reduce((total, viewer, index) => {
        return total + pick(viewer) - pick(before.viewers[index] ?? viewer);
      }, 0);
    const played = since(({ playedBytes }) => playedBytes);
    const sent = after.httpBytes - before.httpBytes + since(({ fromSeedsBytes }) => fromSeedsBytes);
    const startups = after.viewers.map(({ startupMs }) => startupMs ?? Number.POSITIVE_INFINITY);
    return {
      ...{ mode, targetS },
      offload: rounded(1 - sent / played),
      originCopies: rounded((sent / played) * count),
      latencyP50S: rounded(quantile(latenciesS, 0.5)),
      latencyP95S: rounded(quantile(latenciesS, 0.95)),
      startupP95Ms: Math.round(quantile(startups, 0.95)),
      stalls: since(({ stalls }) => stalls),
      cpuPerViewer: rounded((after.cpuS - before.cpuS) / elapsedS / count),
    };
  } finally {
    await browser.close();
  }
}

function read(page: Page): Promise<Viewer> {
  return page.evaluate<Viewer>("readViewer()");
}

/** Media bytes that the origin sent over HTTP so far, and the CPU time of Chromium. */
async function meter(
  origin: OriginProcess,
  browser: Browser,
): Promise<{ readonly httpBytes: number; readonly cpuS: number }> {
  const metrics = await (await fetch(`${origin.httpUrl}/metrics`)).text();
  const line = /^starling_http_media_bytes_total\{kind="segment"\} (\d+)/m.exec(metrics);
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const cpuS = processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  return { httpBytes: Number(line?.[1] ?? 0), cpuS };
}

/** The page's script, and that of the rival, from the folder where it was installed. */
async function bundles(folder: string): Promise<{ page: string; rival: string }> {
  const shared = { bundle: true, write: false, format: "esm", logLevel: "error" } as const;
  const page = await build({ ...shared, entryPoints: [packageFile("bench/peers/page.ts")] });
  const entry = join(folder, "rival.js");
  await writeFile(
    entry,
    'import { HlsJsP2PEngine } from "./node_modules/p2p-media-loader-hlsjs/dist/p2p-media-loader-hlsjs.es.js";\n' +
      "globalThis.HlsJsP2PEngine = HlsJsP2PEngine;\n",
  );
  const core = join(folder, "node_modules/p2p-media-loader-core/dist/p2p-media-loader-core.es.js");
  const rival = await build({
    ...shared,
    entryPoints: [entry],
    alias: { "p2p-media-loader-core": core },
  });
  return { page: textOf(page), rival: textOf(rival) };
}

function textOf({ outputFiles }: { outputFiles: { text: string }[] }): string {
  return outputFiles[0]?.text ?? "";
}

async function serve({ page, rival }: { page: string; rival: string }): Promise<Server> {
  const files = new Map([
    ["/page.js", page],
    ["/rival.js", rival],
  ]);
  const html = `<!doctype html><body><script type="module" src="/rival.js"></script><script type="module" src="/page.js"></script>`;
  const server = createServer((request, response) => {
    const script = files.get(request.url ?? "");
    response.setHeader("Content-Type", script === undefined ? "text/html" : "text/javascript");
    response.end(script ?? html);
  });
  await once(server.listen(0, "localhost"), "listening");
  return server;
}

/** bittorrent-tracker's own server, which p2p-media-loader brings along. */
async function startTracker(folder: string): Promise<{ url: string; close: () => void }> {
  const path = join(folder, "node_modules/bittorrent-tracker/server.js");
  const { default: TrackerServer } = await import(pathToFileURL(path).href);
  const server = new TrackerServer({ udp: false, http: false, ws: true, stats: false });
  server.listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.ws.address() as AddressInfo;
  return { url: `ws://localhost:${port}`, close: () => server.close() };
}

/** The nearest-rank quantile for 0 < `share` <= 1; 0 without values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

await main();
