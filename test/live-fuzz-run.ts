import { readFile } from "node:fs/promises";
import { Random } from "../core/index.ts";
import { ChannelFuzz } from "./channel-fuzz.ts";
import { HttpFuzz } from "./http-fuzz.ts";
import type { OriginProcess, RoleName } from "./origin-process.ts";
import { TrackerFuzz } from "./tracker-fuzz.ts";

/** Roles whose memory and life are watched. */
const ROLES = ["api", "ingest", "encoder", "signer", "seeder"] as const;
/** Requests sent for each connection to the tracker, and connections for each peer. */
const REQUESTS = 20;
const TRACKER_CONNECTIONS = 4;
const KIB = 1024;

export interface LiveFuzzPlan {
  readonly seed: number;
  readonly seconds: number;
  /** Peers need a stream that is on air. */
  readonly hasChannels: boolean;
  /** Told now and then how far it is. */
  readonly onProgress?: (text: string) => void;
}

/** What was sent, and how the processes took it. */
export interface LiveFuzzResult {
  readonly requests: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly trackerMessages: number;
  readonly closes: Readonly<Record<string, number>>;
  readonly channelMessages: number;
  readonly neighboursMet: number;
  readonly neighboursThatCut: number;
  /** Resident memory of each role, after a third of the time and at the end. */
  readonly rssMiB: Readonly<Record<string, readonly [before: number, after: number]>>;
}

/**
 * Sends an origin that runs what its doors may and may not take, in turn. Throws an Error at the first 5xx, fault
 * of the tracker or process that ended.
 */
export async function fuzzLive(
  origin: OriginProcess,
  { seed, seconds, hasChannels, onProgress }: LiveFuzzPlan,
): Promise<LiveFuzzResult> {
  const random = new Random(seed);
  const http = await HttpFuzz.open(origin.httpUrl, origin.apiKey);
  const tracker = new TrackerFuzz(origin.httpUrl, origin.apiKey);
  const channel = new ChannelFuzz(origin);
  const pids = await pidsOf(origin);
  const startedAtMs = performance.now();
  const isWithin = (share: number): boolean =>
    performance.now() < startedAtMs + seconds * 1000 * share;
  let before: Record<string, number> | undefined;
  do {
    for (let count = 0; count < TRACKER_CONNECTIONS; count += 1) {
      for (let request = 0; request < REQUESTS; request += 1) await http.step(random);
      await tracker.step(random);
    }
    if (hasChannels) await channel.step(random);
    if (before === undefined && !isWithin(1 / 3)) before = await rssOf(pids);
    onProgress?.(`${tracker.messages} tracker messages, ${channel.messages} messages of peers`);
  } while (isWithin(1));
  const now = await pidsOf(origin);
  for (const role of ROLES) {
    if (now[role] !== pids[role])
      throw new Error(`The ${role} died.\n${origin.output.slice(-4000)}`);
  }
  const after = await rssOf(pids);
  return {
    requests: [...http.statuses.values()].reduce((sum, count) => sum + count, 0),
    statuses: Object.fromEntries([...http.statuses].sort(([a], [b]) => a - b)),
    trackerMessages: tracker.messages,
    closes: Object.fromEntries([...tracker.closes].sort(([a], [b]) => a - b)),
    channelMessages: channel.messages,
    neighboursMet: channel.met,
    neighboursThatCut: channel.cut,
    rssMiB: Object.fromEntries(
      ROLES.map((role) => [role, [before?.[role] ?? 0, after[role] ?? 0]]),
    ),
  };
}

async function pidsOf(origin: OriginProcess): Promise<Record<RoleName, number>> {
  const pids = await Promise.all(ROLES.map(async (role) => [role, await origin.pidOf(role)]));
  return Object.fromEntries(pids) as Record<RoleName, number>;
}

/** Resident memory of processes, MiB (proc(5)). */
async function rssOf(pids: Record<RoleName, number>): Promise<Record<string, number>> {
  const sizes = Object.entries(pids).map(async ([role, pid]) => {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return [role, Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / KIB)];
  });
  return Object.fromEntries(await Promise.all(sizes)) as Record<string, number>;
}
