import { type ChildProcess, execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { quantile, ScratchRedis, StreamRegistry, Timeline } from "../pipeline/index.ts";
import { eventually } from "../test/index.ts";
import { ClockPublisher, clocksIn } from "./burnt-clock.ts";

const KBPS = 3000;
const CLIP_S = 20;
const CORES = 2;
/** The stream whose pictures show a clock. */
const CLOCK = "clock";
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
  /** Segments whose clock was read. */
  readonly segments: number;
  /** From the moment at which a picture was made to the registered segment: of all, and of each segment's last. */
  readonly frameP50Ms: number;
  readonly frameP99Ms: number;
  readonly lastFrameP50Ms: number;
  readonly lastFrameP99Ms: number;
}

interface Usage {
  readonly cpuS: number;
  /** Of children that are gone, such as those that made a thumbnail. */
  readonly endedChildrenCpuS: number;
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
  #clock: ClockPublisher | undefined;

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
    await this.#clock?.end();
    for (const publisher of this.#publishers) publisher.kill("SIGKILL");
    this.#ingest.disconnect();
    await once(this.#ingest, "exit");
    await this.#scratch.stop();
  }

  /** Adds publishers until there are `count` beside the one with the clock, and waits until each has segments. */
  async publish(count: number): Promise<void> {
    this.#clock ??= new ClockPublisher(await this.#addressOf(CLOCK));
    while (this.#publishers.length < count) {
      const url = await this.#addressOf(`s${this.#publishers.length}`);
      const input = ["-re", "-stream_loop", "-1", "-i", join(this.#scratch.dir, "clip.flv")];
      const args = ["-nostdin", "-loglevel", "error", ...input, "-c", "copy", "-f", "flv", url];
      this.#publishers.push(spawn("ffmpeg", args, { stdio: "ignore" }));
      await delay(100); // Encoders do not all start at the same moment.
    }
    for (const stream of [CLOCK, ...this.#publishers.map((_, index) => `s${index}`)]) {
      await eventually(async () => (await this.#window(stream)).length >= 3, 60_000);
    }
  }

  async #addressOf(id: string): Promise<string> {
    const { streamKey } = await this.#registry.create({ id });
    return `rtmp://127.0.0.1:${this.#port}/live/${streamKey}`;
  }

  async measure(seconds: number): Promise<Load> {
    const startedAtMs = Date.now();
    const before = await this.#usage();
    await delay(seconds * 1000);
    const after = await this.#usage();
    const tookS = (Date.now() - startedAtMs) / 1000;
    const { frames, lastFrames, segments } = await this.#delays(startedAtMs);
    const cores = (from: Usage, to: Usage) => round((to.cpuS - from.cpuS) / tookS, 3);
    return {
      publishers: this.#publishers.length,
      ownCores: cores(before.own, after.own),
      ffmpegCores: cores(before.ffmpegs, after.ffmpegs),
      ownMb: Math.round(after.own.memoryBytes / 1e6),
      ffmpegMb: Math.round(after.ffmpegs.memoryBytes / 1e6),
      segments,
      frameP50Ms: Math.round(quantile(frames, 0.5)),
      frameP99Ms: Math.round(quantile(frames, 0.99)),
      lastFrameP50Ms: Math.round(quantile(lastFrames, 0.5)),
      lastFrameP99Ms: Math.round(quantile(lastFrames, 0.99)),
    };
  }

  /** How old the pictures with the clock were when their segment was complete, in order. */
  async #delays(sinceMs: number) {
    const all = await this.#window(CLOCK);
    const records = all.filter(({ completedAtMs }) => completedAtMs >= sinceMs);
    if (records.length === 0) throw new Error(`the clock made no segment: ${this.#clock?.said}`);
    const frames: number[] = [];
    const lastFrames: number[] = [];
    for (const { path, completedAtMs } of records) {
      const clocks = await clocksIn(join(this.#scratch.dir, "media", path), "init.mp4");
      const agesMs = clocks.map((clock) => completedAtMs - clock);
      frames.push(...agesMs);
      lastFrames.push(Math.min(...agesMs));
    }
    const ordered = (agesMs: number[]) => agesMs.sort((a, b) => a - b);
    return {
      frames: ordered(frames),
      lastFrames: ordered(lastFrames),
      segments: records.length,
    };
  }

  #window(stream: string) {
    return this.#timeline.window(stream, 0, 200);
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
    const own = await usageOf(pid);
    return {
      own,
      ffmpegs: {
        cpuS: ffmpegs.reduce((sum, { cpuS }) => sum + cpuS, own.endedChildrenCpuS),
        endedChildrenCpuS: 0,
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
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11);
  return {
    cpuS: (user + system) / TICKS_PER_S,
    endedChildrenCpuS: (childUser + childSystem) / TICKS_PER_S,
    memoryBytes: (fields[21] ?? 0) * PAGE_BYTES,
  };
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

const USAGE = `Usage: npm run bench:ingest -- [--publishers 4,16] [--seconds 30]

Real ffmpeg publishers of ${KBPS / 1000} Mb/s, passed through. Prints the processor time of the ingest's own
process beside that of its ffmpegs, memory, and how long after a picture was made its segment is registered, by
a clock in the pictures of one more publisher. Ends with one JSON line; the capacity is by processor time, of ${CORES} cores.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      publishers: { type: "string", default: "4,16" },
      seconds: { type: "string", default: "30" },
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
          `a picture is in a segment after ${load.frameP50Ms} ms (p99 ${load.frameP99Ms} ms), ` +
          `the last one of each after ${load.lastFrameP50Ms} ms (p99 ${load.lastFrameP99Ms} ms)`,
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
