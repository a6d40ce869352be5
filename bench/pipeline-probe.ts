import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "../pipeline/index.ts";

export interface ProbeOptions {
  readonly port: number;
  readonly streams: readonly string[];
  readonly seconds: number;
}

export interface ProbeResult {
  readonly requests: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const REQUESTS_PER_S = 40;

/** A viewer that asks the API, in turn, for the playlist of a stream and for its newest segment. */
export async function probeApi({ port, streams, seconds }: ProbeOptions): Promise<ProbeResult> {
  const agent = new Agent({ keepAlive: true });
  const samplesMs: number[] = [];
  let failures = 0;
  const timed = async (path: string) => {
    const startedAt = performance.now();
    const answer = await fetchText({ agent, port, path });
    samplesMs.push(performance.now() - startedAt);
    if (answer.status !== 200) failures++;
    return answer.text;
  };
  const startedAt = performance.now();
  for (let turn = 0; performance.now() - startedAt < seconds * 1000; turn++) {
    const stream = streams[turn % streams.length];
    const playlist = await timed(`/live/${stream}/media.m3u8`);
    const newest = playlist.trimEnd().split("\n").at(-1);
    await timed(`/live/${stream}/${newest}`);
    await delay(Math.max(0, startedAt + ((turn + 1) * 2000) / REQUESTS_PER_S - performance.now()));
  }
  agent.destroy();
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return {
    requests: samplesMs.length,
    failures,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

function fetchText(request: {
  readonly agent: Agent;
  readonly port: number;
  readonly path: string;
}): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", ...request }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString("latin1") });
      });
    }).once("error", reject);
  });
}
