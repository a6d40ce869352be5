import type { Request } from "express";
import { z } from "zod";
import { isStreamId, RENDITION_POLICY } from "../core/index.ts";
import {
  type BlockStore,
  DVR_MAX_S,
  ORIGINS_MAX,
  type Stream,
  type StreamRegistry,
  type Timeline,
} from "../pipeline/index.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import type { TrafficLedger } from "./traffic-ledger.ts";

const streamSchema = z.object({
  id: z.string(),
  title: z.string(),
  access: z.enum(["open", "backend"]).describe("Who may ask for join tokens."),
  origins: z.array(z.string()).describe("Sites whose pages may use it; empty: all."),
  encryption: z
    .enum(["none", "aes-128"])
    .describe("Whether media is encrypted; its key is given for a token."),
  renditions: z
    .string()
    .nullable()
    .describe("What it is made into, as when it was created; null: as the origin is configured."),
  recording: z
    .boolean()
    .nullable()
    .describe("Whether broadcasts are recorded; null: as configured."),
  dvrS: z.number().nullable().describe("How far back viewers can go; null: as configured."),
  createdAt: z.string().describe("ISO 8601."),
  streamKey: z.string().describe("What the broadcaster enters as stream key. A secret."),
});

/** What isStreamId of the core takes, as OpenAPI can tell it. */
const STREAM_ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

const originsSchema = z
  .array(
    z
      .string()
      .max(256)
      .refine(isOrigin, "expected a site such as https://www.example, without a path"),
  )
  .max(ORIGINS_MAX);

const choicesSchema = z.strictObject({
  title: z.string().min(1).max(200).optional(),
  access: z.enum(["open", "backend"]).optional(),
  origins: originsSchema.optional().describe("Sites whose pages may use it; empty: all."),
  renditions: z
    .string()
    .regex(
      RENDITION_POLICY,
      'expected "passthrough", "ladder", or heights such as "1080p,720p@2500,360p,audio"',
    )
    .nullable()
    .optional()
    .describe(
      'What the stream is made into: "passthrough", what the broadcaster sends; "ladder", renditions that suit it; or ' +
        'renditions by their heights, with a bit rate in kbit/s after an @ if wanted, and "audio" for the sound alone. ' +
        "No picture is made larger than it comes. Null: as the origin is configured.",
    ),
  recording: z
    .boolean()
    .nullable()
    .optional()
    .describe("Whether broadcasts are recorded from now on. Null: as the origin is configured."),
  dvrS: z
    .int()
    .min(1)
    .max(DVR_MAX_S)
    .nullable()
    .optional()
    .describe("Seconds that viewers can go back. Null: the origin's playlist window."),
});

const newStreamSchema = choicesSchema.extend({
  id: z
    .string()
    .regex(STREAM_ID, "expected 1-64 lower-case letters, digits and hyphens, not a hyphen first"),
  encryption: z.enum(["none", "aes-128"]).optional().describe("For good. Default: none."),
});

/** The stream that `:id` names. Throws StarlingError "stream-not-found". */
export async function namedStream(
  request: Request,
  registry: Pick<StreamRegistry, "get">,
): Promise<Stream> {
  const id = request.params["id"];
  const stream = isStreamId(id) ? await registry.get(id) : undefined;
  if (stream === undefined) throw refusal("stream-not-found", "Create the stream first.");
  return stream;
}

/** `/api/v1/streams`: create, list, show, change, delete, rotate the key. All of it needs a key with the scope "streams". */
export function streamRoutes(parts: {
  readonly registry: StreamRegistry;
  readonly timeline: Timeline;
  readonly store: BlockStore;
  readonly traffic: TrafficLedger;
}): Route[] {
  const { registry } = parts;
  const common = { tag: "streams", access: "streams" } as const;
  return [
    defineRoute({
      ...common,
      method: "post",
      path: "/api/v1/streams",
      summary: "Create a stream",
      body: newStreamSchema,
      answers: { 201: { description: "The stream, with its key", schema: streamSchema } },
      problems: ["stream-exists", "stream-limit", "stream-id-invalid"],
      handle: async (_request, response, { encryption, ...wanted }) => {
        const stream = await registry.create({ ...wanted, isEncrypted: encryption === "aes-128" });
        response.status(201).location(`/api/v1/streams/${stream.id}`).json(streamView(stream));
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: "/api/v1/streams",
      summary: "List the streams",
      answers: {
        200: { description: "All streams", schema: z.object({ streams: z.array(streamSchema) }) },
      },
      handle: async (_request, response) => {
        response.json({ streams: (await registry.list()).map(streamView) });
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: "/api/v1/streams/:id",
      summary: "Show a stream",
      answers: { 200: { description: "The stream", schema: streamSchema } },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        response.json(streamView(await namedStream(request, registry)));
      },
    }),
    defineRoute({
      ...common,
      method: "patch",
      path: "/api/v1/streams/:id",
      summary: "Change a stream; new renditions count from the next publish session on",
      body: choicesSchema,
      answers: { 200: { description: "The stream", schema: streamSchema } },
      problems: ["stream-not-found"],
      handle: async (request, response, body) => {
        const { id } = await namedStream(request, registry);
        response.json(streamView(await registry.update(id, body)));
      },
    }),
    defineRoute({
      ...common,
      method: "delete",
      path: "/api/v1/streams/:id",
      summary: "Delete a stream and its media",
      answers: { 204: { description: "Deleted; its publisher is cut off" } },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        await deleteStream((await namedStream(request, registry)).id, parts);
        response.status(204).end();
      },
    }),
    defineRoute({
      ...common,
      method: "post",
      path: "/api/v1/streams/:id/key",
      summary: "Give a stream a new key; the old one no longer opens a publish session",
      answers: { 200: { description: "The stream, with its new key", schema: streamSchema } },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        const { id } = await namedStream(request, registry);
        response.json(streamView(await registry.rotateKey(id)));
      },
    }),
  ];
}

async function deleteStream(id: string, parts: Parameters<typeof streamRoutes>[0]): Promise<void> {
  await parts.registry.delete(id);
  await parts.traffic.forget(id);
  for (const record of await parts.timeline.trim(id, 0)) await parts.store.remove(record);
}

function streamView({ createdAtMs, ...stream }: Stream): object {
  const { id, title, access, origins, contentSecret, streamKey } = stream;
  return {
    ...{ id, title, access, origins, streamKey },
    encryption: contentSecret === "" ? "none" : "aes-128",
    renditions: stream.renditions ?? null,
    recording: stream.recording ?? null,
    dvrS: stream.dvrS ?? null,
    createdAt: new Date(createdAtMs).toISOString(),
  };
}

/** A site as browsers write it in an Origin header. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
