import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { nodeCrypto } from "../../core/node/index.ts";
import { createIdentity } from "../../peer/index.ts";
import type { Attack, AttackOutcome, AttackStage } from "./stage.ts";

const TICK_MS = 10;
const P99_MS_MAX = 100;

interface StormResult {
  readonly statuses: Record<number, number>;
  /** Times to a token, milliseconds: of both requests together. */
  readonly joinMs: number[];
  /** Of every single answer. */
  readonly answerMs: number[];
  /** CPU time of the API process. */
  readonly cpuMs: number;
}

/** Newcomers at a rate that the origin takes, and at ten times that. */
export const JOIN_STORMS: readonly Attack[] = [
  {
    name: "200 joins/s",
    seconds: 5,
    run: async (stage, seconds) => {
      const storm = await joins(stage, 200, seconds);
      return outcomeOf(storm, quantileOf(storm.answerMs, 0.99) <= P99_MS_MAX);
    },
  },
  {
    name: "join storm",
    seconds: 5,
    run: async (stage, seconds) => {
      const storm = await joins(stage, 2000, seconds);
      const unexpected = Object.keys(storm.statuses).filter(
        (status) => !["0", "201", "403", "429", "503"].includes(status),
      );
      return outcomeOf(storm, unexpected.length === 0 && storm.joinMs.length > 0);
    },
  },
];

function outcomeOf(
  { statuses, joinMs, answerMs, cpuMs }: StormResult,
  stopped: boolean,
): AttackOutcome {
  const times = [0.5, 0.99].map((q) => Math.round(quantileOf(answerMs, q)));
  const counts = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  const detail = `${joinMs.length} joined; answers p50 ${times[0]} ms, p99 ${times[1]} ms; ${(cpuMs / answerMs.length).toFixed(2)} ms of CPU each; ${counts.join(", ")}`;
  return { stopped, cutMs: null, detail };
}

/** Sends newcomers at a steady rate, however long the answers take. */
async function joins(stage: AttackStage, perSecond: number, seconds: number): Promise<StormResult> {
  const cpuBeforeMs = await cpuMsOf(stage);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const result: StormResult = { statuses: {}, joinMs: [], answerMs: [], cpuMs: 0 };
  const { id } = createIdentity(nodeCrypto);
  const startedAtMs = performance.now();
  const running = new Set<Promise<void>>();
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = ((performance.now() - startedAtMs) / 1000) * perSecond;
    for (; sent < due; sent += 1) {
      const joining = join(stage.origin.httpUrl, { agent, id, serial: sent, result });
      running.add(joining);
      void joining.finally(() => running.delete(joining));
    }
    await delay(TICK_MS);
  }
  await Promise.all(running);
  agent.destroy();
  return { ...result, cpuMs: (await cpuMsOf(stage)) - cpuBeforeMs };
}

interface Newcomer {
  readonly agent: Agent;
  readonly id: string;
  readonly serial: number;
  readonly result: StormResult;
}

/** One newcomer from an address of its own: puzzle, answer, token. */
async function join(httpUrl: string, newcomer: Newcomer): Promise<void> {
  const startedAtMs = performance.now();
  const first = await post(httpUrl, newcomer, { publicKey: newcomer.id });
  if (first.status !== 403) return;
  const { challenge } = JSON.parse(first.text) as { challenge: string };
  const work = { challenge, counter: 1 };
  const second = await post(httpUrl, newcomer, { publicKey: newcomer.id, work });
  if (second.status === 201) newcomer.result.joinMs.push(performance.now() - startedAtMs);
}

function post(
  httpUrl: string,
  { agent, serial, result }: Newcomer,
  body: object,
): Promise<{ status: number; text: string }> {
  const text = JSON.stringify(body);
  const address = [10, (serial >> 16) & 255, (serial >> 8) & 255, serial & 255].join(".");
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    const done = (status: number, answer: string): void => {
      result.statuses[status] = (result.statuses[status] ?? 0) + 1;
      result.answerMs.push(performance.now() - startedAtMs);
      resolve({ status, text: answer });
    };
    const sent = request(`${httpUrl}/api/v1/streams/main/tokens`, {
      ...{ method: "POST", agent },
      headers: {
        "Content-Type": "application/json",
        "Content-Length": text.length,
        "X-Forwarded-For": address,
      },
    });
    sent.on("response", (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        answer += chunk;
      });
      response.on("end", () => done(response.statusCode ?? 0, answer));
    });
    sent.on("error", () => done(0, ""));
    sent.end(text);
  });
}

/** CPU time of the API process so far: its user and system ticks of 10 ms (proc(5)). */
async function cpuMsOf({ origin }: AttackStage): Promise<number> {
  const stat = await readFile(`/proc/${await origin.pidOf("api")}/stat`, "utf8");
  const [, user, system] =
    / (?:\S+ ){11}(\d+) (\d+) /.exec(stat.slice(stat.lastIndexOf(")") + 1)) ?? [];
  return (Number(user) + Number(system)) * 10;
}

function quantileOf(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
