import { randomUUID } from "node:crypto";
import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { z } from "zod";
import { type RoleReport, RoleStatus } from "../pipeline/index.ts";

/** One thing that must be right for the origin to work. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What is wrong and what helps, or what is not as it should be though the origin works; else empty. */
  readonly detail: string;
}

export interface ReadinessOptions {
  readonly redis: Redis;
  readonly mediaRoot: string;
  readonly requiredRoles: readonly string[];
  readonly freeBytesMin: number;
}

const CHECK_TIMEOUT_MS = 2000;

/** What an ingest reports of the room for its media. */
export const diskStatusSchema = z.object({
  level: z.enum(["ok", "high", "critical", "full"]),
  usedBytes: z.number(),
  limitBytes: z.number(),
  freeBytes: z.number(),
});
const ingestStatsSchema = z.object({ disk: diskStatusSchema });

/** Checks Redis, the heartbeat of every role that is needed, and the disk. Never throws. */
export async function checkReadiness(options: ReadinessOptions): Promise<ReadinessCheck[]> {
  const [redis, disk] = await Promise.all([checkRedis(options), checkDisk(options)]);
  return [...redis, disk];
}

async function checkRedis({ redis, requiredRoles }: ReadinessOptions): Promise<ReadinessCheck[]> {
  try {
    const reports = await inTime(RoleStatus.all(redis));
    const alive = new Set(reports.map(({ role }) => role));
    const roles = requiredRoles.map((role) =>
      check(`role ${role}`, alive.has(role), `No ${role} has reported for 10 s: start one.`),
    );
    const rooms = reports.flatMap(({ stats }) => ingestStatsSchema.safeParse(stats).data ?? []);
    const room = rooms.map(({ disk }) => roomCheck(disk));
    return [check("redis", true, ""), ...roles, ...room, checkLadders(reports)];
  } catch {
    return [check("redis", false, "Redis does not answer.")];
  }
}

/** Ready with a warning while the oldest media make room, and not when nothing can be written. */
function roomCheck(disk: z.output<typeof diskStatusSchema>): ReadinessCheck {
  const { level, usedBytes, limitBytes } = disk;
  const megabytes = (byteLength: number) => Math.round(byteLength / 1e6);
  const share = `The media take ${megabytes(usedBytes)} of ${megabytes(limitBytes)} MB`;
  const details = {
    ok: "",
    high: `${share}: keep fewer segments, or give them more room.`,
    critical: `${share}: the oldest are removed early.`,
    full: "The disk of the media is full: segments are lost until there is room.",
  };
  return { name: "media room", ok: level !== "full", detail: details[level] };
}

/** The part of the ingest's heartbeat that is read here. */
const ingestSchema = z.object({
  publishers: z.array(z.object({ stream: z.string(), ladderRefusal: z.string().nullable() })),
});

/** A stream that goes out without its ladder is on air all the same. */
function checkLadders(reports: readonly RoleReport[]): ReadinessCheck {
  const refusals = reports.flatMap(({ role, stats }) => {
    const ingest = role === "ingest" ? ingestSchema.safeParse(stats) : undefined;
    return (ingest?.data?.publishers ?? []).flatMap(({ stream, ladderRefusal }) =>
      ladderRefusal === null
        ? []
        : [`Stream "${stream}" goes out without its ladder. ${ladderRefusal}`],
    );
  });
  return { name: "ladders", ok: true, detail: refusals.join(" ") };
}

async function checkDisk({ mediaRoot, freeBytesMin }: ReadinessOptions): Promise<ReadinessCheck> {
  const probe = join(mediaRoot, `.ready-${randomUUID()}`);
  try {
    await mkdir(mediaRoot, { recursive: true });
    await writeFile(probe, "");
    await rm(probe);
    const { bavail, bsize } = await statfs(mediaRoot);
    const freeMb = Math.floor((bavail * bsize) / 1e6);
    const neededMb = Math.ceil(freeBytesMin / 1e6);
    const detail = `The media disk has ${freeMb} MB left, ${neededMb} MB are needed.`;
    return check("disk", bavail * bsize >= freeBytesMin, detail);
  } catch {
    return check("disk", false, "The media folder cannot be written to.");
  }
}

function check(name: string, ok: boolean, detail: string): ReadinessCheck {
  return { name, ok, detail: ok ? "" : detail };
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("timed out")), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
