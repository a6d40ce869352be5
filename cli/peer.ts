import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { errorCode } from "../core/index.ts";
import { type PeerReport, type PeerSegment, runPeer } from "../peer/node/index.ts";
import type { Config } from "./options.ts";
import { createRoleLog } from "./role-log.ts";
import { BYTES_PER_MEGABIT, localApiUrl } from "./roles.ts";

/** Watches a stream without a screen: writes or pipes what was verified, then prints statistics. */
export async function runPeerCommand(config: Config): Promise<void> {
  // Standard output may carry media, so everything for people goes to standard error.
  const log = createRoleLog("peer", config, process.stderr);
  const stop = stopSignal(config.durationS);
  const sinks = await openSinks(config, () => stop.abort());
  const report = await runPeer({
    apiUrl: localApiUrl(config),
    apiKey: config.apiKey,
    rootKey: config.rootKey,
    stream: config.stream,
    rendition: config.rendition,
    relayedRenditions: config.relay,
    uploadBytesPerS: config.uploadMbps * BYTES_PER_MEGABIT,
    log,
    bindAddress: config.webrtcAddress,
    maxDelayMs: config.maxDelayS * 1000,
    signal: stop.signal,
    onSegment: async (segment) => {
      for (const sink of sinks) await sink.write(segment);
    },
  });
  for (const sink of sinks) await sink.close();
  printReport(report, config);
}

interface SegmentSink {
  write(segment: PeerSegment): Promise<void>;
  close(): Promise<void>;
}

async function openSinks(config: Config, onClosedPipe: () => void): Promise<SegmentSink[]> {
  const sinks: SegmentSink[] = [];
  if (config.output === "-") sinks.push(streamSink(process.stdout, onClosedPipe));
  else if (config.output !== undefined) {
    sinks.push(streamSink(createWriteStream(config.output), onClosedPipe));
  }
  if (config.segmentsDir !== undefined) sinks.push(await folderSink(config.segmentsDir));
  return sinks;
}

/** One playable fMP4: the init segment, then media segments in order. */
function streamSink(output: Writable, onClosedPipe: () => void): SegmentSink {
  let isClosed = false;
  output.on("error", (error) => {
    isClosed = true;
    // The player at the other end of the pipe was closed: that ends the watching.
    if (errorCode(error) !== "EPIPE") console.error(`Cannot write the output: ${error.message}`);
    onClosedPipe();
  });
  return {
    write: ({ bytes }) =>
      new Promise((resolve) => {
        if (isClosed) resolve();
        else output.write(bytes, () => resolve());
      }),
    close: () =>
      new Promise((resolve) => {
        if (isClosed || output === process.stdout) resolve();
        else output.end(() => resolve());
      }),
  };
}

/**
 * <sequence>.m4s and init-<sequence>.mp4, each with its manifest beside it; the manifests of later
 * parts are named <sequence>-<part>.
 */
async function folderSink(folder: string): Promise<SegmentSink> {
  await mkdir(folder, { recursive: true });
  return {
    write: async ({ sequence, init, bytes, manifests }) => {
      const name = init ? `init-${sequence}` : String(sequence);
      await writeFile(join(folder, `${name}.${init ? "mp4" : "m4s"}`), bytes);
      for (const [part, manifest] of manifests.entries()) {
        const path = join(folder, `${name}${part === 0 ? "" : `-${part}`}.manifest.json`);
        await writeFile(path, JSON.stringify(manifest, null, 2));
      }
    },
    close: async () => undefined,
  };
}

/** Aborts at the end of the time to watch, at Ctrl-C and at SIGTERM; a second one ends at once. */
function stopSignal(durationS: number | undefined): AbortController {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => controller.abort());
  if (durationS !== undefined) setTimeout(() => controller.abort(), durationS * 1000).unref();
  return controller;
}

function printReport(report: PeerReport, { statsJson, output }: Config): void {
  const print = output === "-" ? console.error : console.log;
  if (statsJson) {
    print(JSON.stringify(report));
    return;
  }
  for (const [name, value] of Object.entries(report)) {
    print(`${name.padEnd(20)}${readable(value)}`);
  }
}

function readable(value: unknown): string {
  return typeof value === "number" ? String(Math.round(value)) : JSON.stringify(value);
}
