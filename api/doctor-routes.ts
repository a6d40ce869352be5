import type { Redis } from "ioredis";
import { z } from "zod";
import { ChildLogs, RoleStatus, type StreamRegistry } from "../pipeline/index.ts";
import { defineRoute, type Route } from "./route.ts";
import { namedStream } from "./stream-routes.ts";

const findingSchema = z.object({
  code: z.string().describe("Stable; docs/broadcast.md lists them."),
  severity: z
    .enum(["info", "warning", "error"])
    .describe("info: could be better. warning: viewers notice. error: no live picture."),
  message: z.string().describe("What is wrong, in words for the broadcaster."),
  cure: z.string().describe("What to do about it."),
});

const sourceSchema = z.object({
  fps: z.number().nullable(),
  audioHz: z.number().nullable(),
  audioChannels: z.number().nullable(),
  reorderMs: z.number().describe("How long a picture waits for another that is shown before it."),
  lagMs: z.number().describe("How much later media come than at their best in two minutes."),
  driftPpm: z.number().nullable().describe("By how much the encoder's clock is fast."),
  droppedShare: z.number().describe("Of the frames that should have come: 0..1."),
});

const ffmpegSchema = z.object({
  runs: z.int().describe("How many there were: 1 while the first one works."),
  cpuCores: z.number().nullable().describe("1 is a whole core."),
  memoryBytes: z.number().nullable(),
});

const logSchema = z.object({ lines: z.array(z.string()) });

const commonShape = {
  session: z.string(),
  filler: z.boolean().describe("A test card that gives way to a real broadcaster."),
  bitrateKbps: z.number(),
  gopS: z.number().describe("Seconds between key frames."),
  video: z.string().nullable(),
  audio: z.string().nullable(),
  segments: z.number(),
  lastSegmentAgeMs: z.number().nullable(),
  source: sourceSchema,
  ffmpeg: ffmpegSchema,
};

const reportedFindingSchema = findingSchema.extend({ sinceMs: z.number() });

/** The part of the ingest's heartbeat that is shown here. */
const ingestStatsSchema = z.object({
  refusals: z.array(reportedFindingSchema.extend({ stream: z.string() })),
  publishers: z.array(
    z.object({
      ...commonShape,
      stream: z.string(),
      sinceMs: z.number(),
      findings: z.array(reportedFindingSchema),
    }),
  ),
});

const doctorSchema = z.object({
  id: z.string(),
  health: z
    .enum(["healthy", "warning", "unhealthy", "offline"])
    .describe(
      "By the worst finding; offline: nobody publishes, and a finding tells who was refused.",
    ),
  broadcast: z
    .object({ ...commonShape, since: z.string().describe("ISO 8601.") })
    .nullable()
    .describe("What comes in; null while nobody publishes."),
  findings: z.array(findingSchema.extend({ since: z.string().describe("ISO 8601.") })),
});

/** What is wrong with a broadcast and what helps, and what its ffmpeg has said. */
export function doctorRoutes(parts: {
  readonly redis: Redis;
  readonly registry: StreamRegistry;
}): Route[] {
  const common = { method: "get", tag: "streams", access: "streams" } as const;
  const logs = new ChildLogs(parts.redis);
  return [
    defineRoute({
      ...common,
      path: "/api/v1/streams/:id/doctor",
      summary: "What is wrong with a broadcast, in plain words with the cure",
      answers: { 200: { description: "The doctor's findings", schema: doctorSchema } },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        const { id } = await namedStream(request, parts.registry);
        response.json(await diagnosisOf(id, parts.redis));
      },
    }),
    defineRoute({
      ...common,
      path: "/api/v1/streams/:id/log",
      summary: "The last 100 lines that the stream's ffmpeg wrote, of the last day",
      answers: { 200: { description: "The lines, oldest first", schema: logSchema } },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        const { id } = await namedStream(request, parts.registry);
        response.json({ lines: await logs.read(id) });
      },
    }),
  ];
}

async function diagnosisOf(id: string, redis: Redis): Promise<z.output<typeof doctorSchema>> {
  const reports = (await RoleStatus.all(redis)).flatMap(
    ({ stats }) => ingestStatsSchema.safeParse(stats).data ?? [],
  );
  const [publisher] = reports
    .flatMap(({ publishers }) => publishers)
    .filter(({ stream }) => stream === id)
    .sort((a, b) => b.sinceMs - a.sinceMs);
  if (publisher === undefined) {
    const refusals = reports.flatMap((report) => report.refusals);
    const findings = refusals.filter(({ stream }) => stream === id).map(findingView);
    return { id, health: "offline", broadcast: null, findings };
  }
  const { stream: _, sinceMs, findings, ...broadcast } = publisher;
  return {
    id,
    health: healthOf(findings),
    broadcast: { ...broadcast, since: isoTime(sinceMs) },
    findings: findings.map(findingView),
  };
}

function findingView(finding: z.output<typeof reportedFindingSchema>) {
  const { code, severity, message, cure, sinceMs } = finding;
  return { code, severity, message, cure, since: isoTime(sinceMs) };
}

function healthOf(findings: readonly z.output<typeof findingSchema>[]) {
  if (findings.some(({ severity }) => severity === "error")) return "unhealthy";
  return findings.some(({ severity }) => severity === "warning") ? "warning" : "healthy";
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
