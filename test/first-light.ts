import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { PeerReport } from "../peer/node/index.ts";
import { eventually } from "./eventually.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

/** What one run of the whole road showed. */
export interface FirstLight {
  /** Media segments that the viewer put out. */
  readonly segments: number;
  /** Those whose SHA-256 is that of the origin's file. */
  readonly identical: number;
  /** Segments that the origin had between the viewer's first and the last, and the viewer has not. */
  readonly missing: number;
  /** What ffprobe read of the concatenation. */
  readonly videoPackets: number;
  readonly probeErrors: string;
  readonly report: PeerReport;
}

/**
 * Publishes for `seconds` in real time by a real ffmpeg to a whole origin, watches by a headless
 * viewer over WebRTC alone, and compares every segment with the origin's file.
 */
export async function runFirstLight(
  seconds: number,
  tell: (line: string) => void = () => undefined,
): Promise<FirstLight> {
  const folder = await mkdtemp(join(tmpdir(), "starling-"));
  const origin = new OriginProcess(join(folder, "data"), [
    "--no-demo",
    "--retention-count",
    "1000",
  ]);
  let publisher: Publisher | undefined;
  try {
    await origin.start();
    tell(`The origin runs at ${origin.httpUrl}.`);
    publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}`, videoKbps: 2500 });
    await eventually(
      () => newestSequence(origin),
      20_000,
      () => origin.output,
    );
    const viewer = new ViewerProcess(origin, join(folder, "viewer"));
    await watch(seconds, viewer, tell);
    await publisher.end();
    const last = await settledSequence(origin);
    await eventually(
      async () => (await viewer.sequences()).includes(last),
      15_000,
      () => viewer.log,
    );
    return await compare(origin, viewer, last);
  } finally {
    await publisher?.end("SIGKILL");
    await origin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function watch(
  seconds: number,
  viewer: ViewerProcess,
  tell: (line: string) => void,
): Promise<void> {
  for (let second = 5; second <= seconds; second += 5) {
    await delay(5000);
    tell(`${second} of ${seconds} s: ${(await viewer.sequences()).length} segments`);
  }
  await delay((seconds % 5) * 1000);
}

async function compare(
  origin: OriginProcess,
  viewer: ViewerProcess,
  last: number,
): Promise<FirstLight> {
  const report = await viewer.end();
  const sequences = await viewer.sequences();
  const [first = last] = sequences;
  const media: Buffer[] = [];
  let identical = 0;
  for (const sequence of sequences) {
    const bytes = await viewer.read(`${sequence}.m4s`);
    const response = await fetch(`${origin.httpUrl}/live/main/${sequence}.m4s`);
    const original = Buffer.from(await response.arrayBuffer());
    if (response.ok && sha256(bytes) === sha256(original)) identical++;
    media.push(bytes);
  }
  const inits = await Promise.all((await viewer.inits()).map((name) => viewer.read(name)));
  const whole = join(viewer.folder, "whole.mp4");
  await writeFile(whole, Buffer.concat([...inits, ...media]));
  return {
    segments: sequences.length,
    identical,
    missing: last - first + 1 - sequences.length,
    ...(await probe(whole)),
    report,
  };
}

/** SHA-256 as hexadecimal text. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The newest sequence number in the public playlist, once there is one. */
export async function newestSequence(origin: OriginProcess): Promise<number | undefined> {
  const response = await fetch(`${origin.httpUrl}/live/main/media.m3u8`);
  if (!response.ok) return undefined;
  const names = [...(await response.text()).matchAll(/^(\d+)\.m4s$/gm)];
  const newest = names.at(-1)?.[1];
  return newest === undefined ? undefined : Number(newest);
}

/** The newest sequence number once it has not grown for two seconds. */
async function settledSequence(origin: OriginProcess): Promise<number> {
  let newest = -1;
  let sinceMs = performance.now();
  return eventually(async () => {
    const now = (await newestSequence(origin)) ?? newest;
    if (now !== newest) {
      newest = now;
      sinceMs = performance.now();
    }
    return performance.now() - sinceMs > 2000 ? newest : undefined;
  }, 20_000);
}

async function probe(file: string): Promise<{ videoPackets: number; probeErrors: string }> {
  const shown = [
    "-count_packets",
    "-select_streams",
    "v",
    "-show_entries",
    "stream=nb_read_packets",
  ];
  const ffprobe = spawn("ffprobe", ["-v", "error", ...shown, "-of", "csv=p=0", file]);
  let out = "";
  let probeErrors = "";
  ffprobe.stdout.on("data", (chunk) => {
    out += chunk;
  });
  ffprobe.stderr.on("data", (chunk) => {
    probeErrors += chunk;
  });
  await once(ffprobe, "close");
  return { videoPackets: Number.parseInt(out, 10), probeErrors };
}

const USAGE = `Usage: npm run e2e:first-light -- [--seconds N]

Publishes H.264/AAC over RTMP to a whole origin in real time (default 60 s), watches with a
headless viewer over WebRTC alone, and compares each segment with the origin's file.
Ends with one JSON line; the exit status is 1 unless every segment is there and identical.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seconds: { type: "string", default: "60" }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const result = await runFirstLight(Number(values.seconds), console.log);
  const { report } = result;
  console.log(`start-up ${report.startupMs} ms, delay p50 ${report.delayP50Ms} ms`);
  console.log(`symbols verified ${report.symbolsVerified}, bytes ${report.fromSeedsBytes}`);
  console.log(
    `video packets ${result.videoPackets}, ffprobe errors: ${result.probeErrors || "none"}`,
  );
  const { segments, identical, missing } = result;
  console.log(
    JSON.stringify({
      bench: "first-light",
      segments,
      identical,
      missing,
      delayP50Ms: report.delayP50Ms,
      delayP99Ms: report.delayP99Ms,
      startupMs: report.startupMs,
    }),
  );
  const isGood = segments > 0 && identical === segments && missing === 0;
  if (!isGood || result.probeErrors !== "") process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
