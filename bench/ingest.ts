import { type ChildProcess, execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { quantile, ScratchRedis, StreamRegistry, Timeline } from "../pipeline/index.ts";
import { eventually } from "../test/index.ts";

const KBPS = 3000;
const CLIP_S = 20;
const CORES = 2;
const TICKS_PER_S = 100;
const PAGE_BYTES = 4096;
const ROLE = fileURLToPath(new URL("./pipeline-role.js", import.meta.url));

/** What a number of publishers took, over a time. */
interface Load {
  readonly publishers: number;
  /** Cores of the ingest's own process, and of its ffmpegs. */
  readonly ownCores: number;
  readonly ffmpegCores: number;
  readonly ownMb: number;
  readonly ffmpegMb: number;
  readonly segments: number;
  /** From the last frame's arrival to the registered segment. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
}

interface Usage {
  readonly cpuS: number;
  readonly memoryBytes: number;
}

/** An ingest in a process of its own, with its Redis, and a clip to publish to it. */
class IngestStage {
  readonly #scratch: ScratchRedis;
  readonly #ingest: ChildProcess;
  readonly #port: number;
  readonly #registry: StreamRegistry;
  readonly #timeline: Timeline;
  readonly #publishers: ChildProcess[] = [];

  private constructor(scratch: ScratchRedis, ingest: ChildProcess, port: number) {
    this.#scratch = scratch;
    this.#ingest = ingest;
    this.#port = port;
    this.#registry = new StreamRegistry(scratch.redis);
    this.#timeline = new Timeline(scratch.redis);
  }

  static async open(): Promise<IngestStage> {
    const scratch = await ScratchRedis.start();
    await encodeClip(join(scratch.dir, "clip.flv"));
    const settings = { redisUrl: scratch.url, mediaRoot: join(scratch.dir, "media") };
    const ingest = fork(ROLE, ["ingest", JSON.stringify(settings)]);
    const [{ port }] = (await once(ingest, "message")) as [{ port: number }];
    return new IngestStage(scratch, ingest, port);
  }

  async close(): Promise<void> {
    for (const publisher of this.#publishers) publisher.kill("SIGKILL");
    this.#ingest.disconnect();
    await once(this.#ingest, "exit");
    await this.#scratch.stop();
  }

  /** Adds publishers until there are `count`, and waits until each has segments. */
  async publish(count: number): Promise<void> {
    while (this.#publishers.length < count) {
      const id = `s${this.#publishers.length}`;
      const { streamKey } = await this.#registry.create({ id });
      const url = `rtmp://127.0.0.1:${this.#port}/live/${streamKey}`;
      const input = ["-re", "-stream_loop", "-1", "-i", join(this.#scratch.dir, "clip.flv")];
      const args = ["-nostdin", "-loglevel", "error", ...input, "-c", "copy", "-f", "flv", url];
      this.#publishers.push(spawn("ffmpeg", args, { stdio: "ignore" }));
      await delay(100); // Encoders do not all start at the same moment.
    }
    for (const [index] of this.#publishers.entries()) {
      await eventually(async () => (await this.#window(index)).length >= 3, 60_000);
    }
  }

  async measure(seconds: number): Promise<Load> {
    const startedAtMs = Date.now();
    const before = await this.#usage();
    await delay(seconds * 1000);
    const after = await this.#usage();
    const tookS = (Date.now() - startedAtMs) / 1000;
    const delaysMs: number[] = [];
    for (const [index] of this.#publishers.entries()) {
      for (const record of await this.#window(index)) {
        if (record.completedAtMs < startedAtMs) continue;
        delaysMs.push(record.completedAtMs - record.programDateTimeMs - record.durationMs);
      }
    }
    delaysMs.sort((a, b) => a - b);
    const cores = (from: Usage, to: Usage) => round((to.cpuS - from.cpuS) / tookS, 3);
    return {
      publishers: this.#publishers.length,
      ownCores: cores(before.own, after.own),
      ffmpegCores: cores(before.ffmpegs, after.ffmpegs),
      ownMb: Math.round(after.own.memoryBytes / 1e6),
      ffmpegMb: Math.round(after.ffmpegs.memoryBytes / 1e6),
      segments: delaysMs.length,
      delayP50Ms: Math.round(quantile(delaysMs, 0.5)),
      delayP99Ms: Math.round(quantile(delaysMs, 0.99)),
    };
  }

  #window(index: number) {
    return this.#timeline.window(`s${index}`, 0, 100);
  }

  async #usage(): Promise<{ own: Usage; ffmpegs: Usage }> {
    const pid = this.#ingest.pid ?? 0;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    const ffmpegs = await Promise.all(
      children
        .trim()
        .split(" ")
        .filter(Boolean)
        .map((child) => usageOf(Number(child))),
    );
    return {
      own: await usageOf(pid),
      ffmpegs: {
        cpuS: ffmpegs.reduce((sum, { cpuS }) => sum + cpuS, 0),
        memoryBytes: ffmpegs.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
      },
    };
  }
}

/** By /proc/<pid>/stat (proc(5)). */
async function usageOf(pid: number): Promise<Usage> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [user = 0, system = 0] = fields.slice(11);
  return { cpuS: (user + system) / TICKS_PER_S, memoryBytes: (fields[21] ?? 0) * PAGE_BYTES };
}

async function encodeClip(file: string): Promise<void> {
  const picture = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30"];
  const sound = ["-f", "lavfi", "-i", "sine=sample_rate=48000", "-c:a", "aac", "-t", `${CLIP_S}`];
  const rate = ["-b:v", `${KBPS}k`, "-maxrate", `${KBPS}k`, "-bufsize", `${KBPS}k`];
  const codec = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30"];
  const cbr = ["-sc_threshold", "0", "-x264-params", "nal-hrd=cbr", "-minrate", `${KBPS}k`];
  const args = ["-nostdin", "-loglevel", "error", ...picture, ...sound, ...codec, ...rate, ...cbr];
  await promisify(execFile)("ffmpeg", [...args, file]);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const USAGE = `Usage: npm run bench:ingest -- [--publishers 4,16] [--seconds 20]

Real ffmpeg publishers of ${KBPS / 1000} Mb/s, passed through. Prints the processor time of the ingest's own
process beside that of its ffmpegs, memory, and how long after the last frame of a segment came the segment
is registered. Ends with one JSON line; the capacity is by processor time, of ${CORES} cores.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      publishers: { type: "string", default: "4,16" },
      seconds: { type: "string", default: "20" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const stage = await IngestStage.open();
  const loads: Load[] = [];
  try {
    for (const count of values.publishers.split(",").map(Number)) {
      await stage.publish(count);
      const load = await stage.measure(Number(values.seconds));
      loads.push(load);
      console.log(
        `${load.publishers} publishers: ${load.ownCores} cores of ours, ${load.ffmpegCores} of ffmpeg; ` +
          `${load.ownMb} MB of ours, ${load.ffmpegMb} MB of ffmpeg; ` +
          `segment after ${load.delayP50Ms} ms (p99 ${load.delayP99Ms} ms)`,
      );
    }
  } finally {
    await stage.close();
  }
  const last = loads.at(-1);
  if (last === undefined) return;
  const perPublisher = (last.ownCores + last.ffmpegCores) / last.publishers;
  console.log(
    JSON.stringify({
      ...{ bench: "ingest-load", kbps: KBPS, loads },
      capacityOf2Cores: Math.floor(CORES / perPublisher),
      ownShare: round(last.ownCores / (last.ownCores + last.ffmpegCores), 2),
      ffmpegMbPerPublisher: round(last.ffmpegMb / last.publishers, 1),
    }),
  );
}

await main();
