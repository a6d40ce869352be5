import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createEncodeQueue, quantile } from "../pipeline/index.ts";
import { type StageCosts, stageCosts } from "./pipeline-codec.ts";
import { StreamFeed } from "./pipeline-feed.ts";
import { BenchOrigin, machineCpuSeconds, runRole } from "./pipeline-origin.ts";
import type { ProbeResult } from "./pipeline-probe.ts";

const HELP = `Usage: npm run bench:pipeline -- [options]

Measures the origin's pipeline on this machine: how long a complete segment takes until its manifest
is published, and how many blocks per second go through. Starts a private Redis and one process each
of encoder, signer and API, with their data in the system's folder for temporary files (TMPDIR).

  --seconds <n>   length of each measurement after a warm-up (default 20)
  --streams <n>   parallel streams of the second measurement (default 100)
  --help          this text

Prints a table and, as its last line, the results as JSON.`;

const BYTES_PER_S_AT_6_MBIT = 750_000;
const BYTES_PER_S_AT_3_MBIT = 375_000;
const WARM_UP_S = 10;
/** Blocks in flight when the capacity is measured: one per stream. */
const CAPACITY_STREAMS = 24;

interface Latency {
  readonly blocks: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    streams: { type: "string", default: "100" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run(wholeNumber("seconds", values.seconds), wholeNumber("streams", values.streams));

async function run(seconds: number, streams: number): Promise<void> {
  progress("starting Redis, encoder, signer and API");
  const origin = await BenchOrigin.start();
  try {
    // The many streams come first: an origin that serves one has been running for long, too.
    progress(`${streams} streams of 3 Mb/s for ${seconds} s`);
    const hundred = await paced(origin, { streams, bytes: BYTES_PER_S_AT_3_MBIT, seconds });
    progress(`1 stream of 6 Mb/s for ${seconds} s`);
    const one = await paced(origin, { streams: 1, bytes: BYTES_PER_S_AT_6_MBIT, seconds });
    progress(`capacity in blocks of 3 Mb for ${seconds} s`);
    const capacity = await closedLoop(origin, seconds);
    const stages = await stageCosts(origin.mediaRoot, BYTES_PER_S_AT_3_MBIT);
    print({ streams, one, hundred, capacity, stages });
  } finally {
    await origin.stop();
  }
}

/** Every stream completes one segment per second, at its own phase of the second. */
async function paced(
  origin: BenchOrigin,
  load: { readonly streams: number; readonly bytes: number; readonly seconds: number },
): Promise<Latency & { readonly api: ProbeResult }> {
  const { feeds, close } = await openFeeds(origin, `paced${load.streams}`, load);
  const startAt = performance.now();
  const measureFrom = startAt + WARM_UP_S * 1000;
  const end = measureFrom + load.seconds * 1000;
  const samplesMs: number[] = [];
  const feeding = together(
    feeds.map(async (feed, place) => {
      const pending: Promise<void>[] = [];
      const phaseMs = (place * 1000) / feeds.length;
      for (let at = startAt + phaseMs; at < end; at += 1000) {
        await delay(Math.max(0, at - performance.now()));
        const publishing = feed.publish().then((latencyMs) => {
          if (at >= measureFrom) samplesMs.push(latencyMs);
        });
        pending.push(publishing);
      }
      await together(pending);
    }),
  );
  await delay(WARM_UP_S * 1000);
  const probe = { port: origin.apiPort, streams: feeds.map(({ stream }) => stream) };
  const api = await runRole("probe", { ...probe, seconds: load.seconds });
  await feeding;
  await close();
  return { ...latencyOf(samplesMs), api: api as unknown as ProbeResult };
}

interface Capacity extends Latency {
  readonly blocksPerS: number;
  /** CPU time of each process of the origin, and of this one as "feed". */
  readonly cpuMsPerBlock: ReadonlyMap<string, number>;
  /** CPUs that were busy with what is not ours. */
  readonly foreignCpus: number;
}

/** Completes a segment whenever one is signed, and counts. */
async function closedLoop(origin: BenchOrigin, seconds: number): Promise<Capacity> {
  const load = { streams: CAPACITY_STREAMS, bytes: BYTES_PER_S_AT_3_MBIT };
  const { feeds, close } = await openFeeds(origin, "capacity", load);
  const samplesMs: number[] = [];
  let open = true;
  const feeding = together(
    feeds.map(async (feed) => {
      while (open) samplesMs.push(await feed.publish());
    }),
  );
  await delay(WARM_UP_S * 1000);
  samplesMs.length = 0;
  const before = { cpu: origin.cpuSeconds(), machine: machineCpuSeconds() };
  const startedAt = performance.now();
  await delay(seconds * 1000);
  const elapsedS = (performance.now() - startedAt) / 1000;
  const latency = latencyOf(samplesMs.slice());
  const after = { cpu: origin.cpuSeconds(), machine: machineCpuSeconds() };
  open = false;
  await feeding;
  await close();

  const used = [...after.cpu].map(([role, cpuS]): [string, number] => {
    return [role, cpuS - (before.cpu.get(role) ?? 0)];
  });
  const ownS = used.reduce((sum, [, cpuS]) => sum + cpuS, 0);
  return {
    ...latency,
    blocksPerS: latency.blocks / elapsedS,
    cpuMsPerBlock: new Map(used.map(([role, cpuS]) => [role, (cpuS * 1000) / latency.blocks])),
    foreignCpus: Math.max(0, (after.machine - before.machine - ownS) / elapsedS),
  };
}

/** All of `works`; a failure shows where the answer is awaited, so that the origin is stopped first. */
function together(works: Promise<void>[]): Promise<unknown> {
  const all = Promise.all(works);
  all.catch(() => {});
  return all;
}

async function openFeeds(
  { redis, mediaRoot }: BenchOrigin,
  name: string,
  { streams, bytes }: { readonly streams: number; readonly bytes: number },
): Promise<{ feeds: StreamFeed[]; close(): Promise<void> }> {
  const queue = createEncodeQueue(redis);
  const feeds = Array.from({ length: streams }, (_, place) => {
    const parts = { redis, queue, mediaRoot, segment: randomBytes(bytes) };
    return new StreamFeed(`${name}-${place}`, parts);
  });
  await Promise.all(feeds.map((feed) => feed.open()));
  return {
    feeds,
    close: async () => {
      await Promise.all(feeds.map((feed) => feed.close()));
      await queue.close();
    },
  };
}

function latencyOf(samplesMs: number[]): Latency {
  const sorted = samplesMs.sort((a, b) => a - b);
  return {
    blocks: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

function print(results: {
  readonly streams: number;
  readonly one: Latency & { readonly api: ProbeResult };
  readonly hundred: Latency & { readonly api: ProbeResult };
  readonly capacity: Capacity;
  readonly stages: StageCosts;
}): void {
  const { streams, one, hundred, capacity, stages } = results;
  const row = (load: string, { blocks, p50Ms, p99Ms }: Latency) => ({
    load,
    blocks,
    "p50 ms": round(p50Ms),
    "p99 ms": round(p99Ms),
  });
  const probed = (api: ProbeResult) => ({
    "API p99 ms": round(api.apiP99Ms),
    "segment p99 ms": round(api.segmentP99Ms),
  });
  const feedMs = capacity.cpuMsPerBlock.get("feed") ?? 0;
  const originMs = [...capacity.cpuMsPerBlock.values()].reduce((a, b) => a + b, 0) - feedMs;
  console.table([
    { ...row("1 stream of 6 Mb/s", one), ...probed(one.api) },
    { ...row(`${streams} streams of 3 Mb/s`, hundred), ...probed(hundred.api) },
    { ...row("capacity, 3 Mb blocks", capacity), "blocks/s": round(capacity.blocksPerS) },
  ]);
  console.log(`API: ${hundred.api.requests} requests, ${hundred.api.failures} failed`);
  const perRole = [...capacity.cpuMsPerBlock].map(([role, ms]) => `${role} ${round(ms)}`);
  console.log(`CPU ms per block at capacity: ${perRole.join(", ")}`);
  const stagesMs = allStagesMs(stages, capacity.cpuMsPerBlock);
  const shown = Object.entries(stagesMs).map(([stage, ms]) => `${stage} ${ms}`);
  console.log(`Of the origin's ${round(originMs)} ms: ${shown.join(", ")}`);
  const usefulMs = stages.encodeMs + stages.hashMs + stages.merkleMs + stages.signMs;
  console.log(
    `Other programs kept ${round(capacity.foreignCpus)} of ${availableParallelism()} CPUs busy meanwhile.`,
  );
  console.log(
    JSON.stringify({
      bench: "pipeline",
      one: { p50Ms: round(one.p50Ms), p99Ms: round(one.p99Ms) },
      hundred: {
        p50Ms: round(hundred.p50Ms),
        p99Ms: round(hundred.p99Ms),
        apiP99Ms: round(hundred.api.apiP99Ms),
      },
      capacityBlocksPerS: round(capacity.blocksPerS),
      usefulCpuShare: round(usefulMs / originMs),
      stagesMs,
    }),
  );
}

/** CPU ms per block of each stage; a role's queue is what its process does besides its own stages. */
function allStagesMs(
  { readMs, encodeMs, hashMs, writeMs, merkleMs, signMs }: StageCosts,
  perRoleMs: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const encoderMs = perRoleMs.get("encoder") ?? 0;
  const signerMs = perRoleMs.get("signer") ?? 0;
  return {
    read: round(readMs),
    encode: round(encodeMs),
    hash: round(hashMs),
    write: round(writeMs),
    encodeQueue: round(encoderMs - readMs - encodeMs - hashMs - writeMs),
    merkle: round(merkleMs),
    sign: round(signMs),
    signQueue: round(signerMs - merkleMs - signMs),
    redis: round(perRoleMs.get("redis") ?? 0),
    api: round(perRoleMs.get("api") ?? 0),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function progress(line: string): void {
  console.error(`… ${line}`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw new Error(`--${name}: expected a whole number from 1 to 1000, got "${text}".`);
}
