import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
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
  /** Of playlists and join tokens: what the API answers by itself. */
  readonly apiP99Ms: number;
  /** Of whole segments, 375 to 750 kB each. */
  readonly segmentP99Ms: number;
}

const TURNS_PER_S = 20;

/** Viewers that join one after the other: each asks for a playlist, a join token and a segment. */
export async function probeApi({ port, streams, seconds }: ProbeOptions): Promise<ProbeResult> {
  const agent = new Agent({ keepAlive: true });
  const apiMs: number[] = [];
  const segmentMs: number[] = [];
  let failures = 0;
  const timed = async (samplesMs: number[], path: string, body?: object) => {
    const startedAt = performance.now();
    const answer = await exchange({ agent, port, path }, body);
    samplesMs.push(performance.now() - startedAt);
    if (answer.status !== (body === undefined ? 200 : 201)) failures++;
    return answer.text;
  };
  const publicKey = randomBytes(32).toString("base64url");
  const startedAt = performance.now();
  for (let turn = 0; performance.now() - startedAt < seconds * 1000; turn++) {
    const stream = streams[turn % streams.length];
    const playlist = await timed(apiMs, `/live/${stream}/media.m3u8`);
    await timed(apiMs, `/api/v1/streams/${stream}/tokens`, { publicKey });
    const newest = playlist.trimEnd().split("\n").at(-1);
    await timed(segmentMs, `/live/${stream}/${newest}`);
    await delay(Math.max(0, startedAt + ((turn + 1) * 1000) / TURNS_PER_S - performance.now()));
  }
  agent.destroy();
  return {
    requests: apiMs.length + segmentMs.length,
    failures,
    apiP99Ms: quantile(apiMs.sort(ascending), 0.99),
    segmentP99Ms: quantile(segmentMs.sort(ascending), 0.99),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}

function exchange(
  target: { readonly agent: Agent; readonly port: number; readonly path: string },
  body: object | undefined,
): Promise<{ status: number | undefined; text: string }> {
  const post = { method: "POST", headers: { "Content-Type": "application/json" } };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", ...target, ...(body === undefined ? {} : post) };
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString("latin1") });
      });
    });
    call.once("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
