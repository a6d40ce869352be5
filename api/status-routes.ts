import { z } from "zod";
import { isStreamId } from "../core/index.ts";
import { type OriginOverview, type StreamOverview, sum } from "./origin-overview.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import { offloadOf } from "./traffic-ledger.ts";

const offloadSchema = z
  .number()
  .min(0)
  .max(1)
  .nullable()
  .describe("1 - origin media bytes / media bytes played; null before anything was played.");

const streamStatusSchema = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(["live", "interrupted", "offline"]),
  viewers: z.int().min(0).describe("Viewers in the mesh."),
  seeds: z.int().min(0),
  offload: offloadSchema,
});

const statusSchema = z.object({
  live: z.int().min(0).describe("Streams on air, interrupted and unlisted ones included."),
  peers: z.int().min(0).describe("Viewers in the meshes of all streams."),
  segmentsPerS: z.number().min(0),
  offload: offloadSchema,
  streams: z.array(streamStatusSchema).describe('Streams on air with access "open".'),
});

const deadJobSchema = z.object({
  id: z.string(),
  queue: z.string(),
  reason: z.string(),
  attempts: z.int(),
  diedAt: z.string().describe("ISO 8601."),
});

/** What anybody may know about the origin, and the dead jobs for its operator. */
export function statusRoutes(overview: OriginOverview): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/status",
      tag: "health",
      summary: "How the origin is doing, in a few numbers",
      answers: { 200: { description: "The summary", schema: statusSchema } },
      handle: async (_request, response) => {
        const status = statusOf(await overview.streams());
        response.set("Cache-Control", "no-cache").json(status);
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/streams/:id/status",
      tag: "streams",
      summary: "Whether a stream is live; what the watch page asks",
      answers: { 200: { description: "The stream's status", schema: streamStatusSchema } },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        const { id } = request.params;
        const stream = isStreamId(id) ? await overview.stream(id) : undefined;
        if (stream === undefined) throw refusal("stream-not-found", "Check the stream id.");
        response.set("Cache-Control", "no-cache").json(streamStatus(stream));
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/jobs/dead",
      tag: "health",
      access: "admin",
      summary: "Jobs that used up their attempts, newest first",
      answers: {
        200: { description: "The jobs", schema: z.object({ jobs: z.array(deadJobSchema) }) },
      },
      handle: async (_request, response) => {
        const jobs = (await overview.deadJobs()).map(({ diedAtMs, ...job }) => ({
          ...job,
          diedAt: new Date(diedAtMs).toISOString(),
        }));
        response.json({ jobs });
      },
    }),
  ];
}

function statusOf(streams: readonly StreamOverview[]): z.output<typeof statusSchema> {
  const onAir = streams.filter(({ state }) => state !== "offline");
  return {
    live: onAir.length,
    peers: sum(streams, ({ viewers }) => viewers),
    segmentsPerS: sum(streams, ({ segmentsPerS }) => segmentsPerS),
    offload: offloadOf(streams.map(({ traffic }) => traffic)),
    streams: onAir.filter(({ stream }) => stream.access === "open").map(streamStatus),
  };
}

function streamStatus(overview: StreamOverview): z.output<typeof streamStatusSchema> {
  const { stream, state, viewers, seeds, traffic } = overview;
  const { id, title } = stream;
  return { id, title, state, viewers, seeds, offload: offloadOf([traffic]) };
}
