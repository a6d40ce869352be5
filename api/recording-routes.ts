import type { Request, Response } from "express";
import { z } from "zod";
import { errorCode } from "../core/index.ts";
import {
  type Recording,
  Recordings,
  type StreamRegistry,
  thumbnailPath,
} from "../pipeline/index.ts";
import type { LiveStreams } from "./live-streams.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import { namedStream } from "./stream-routes.ts";

const THUMBNAIL_MAX_AGE_S = 5;

const recordingSchema = z.object({
  id: z.string(),
  state: z.enum(["recording", "complete"]).describe("complete: the broadcast is over."),
  startedAt: z.string().describe("ISO 8601."),
  durationS: z.number(),
  byteLength: z.number().describe("On disk, of all its files."),
  playlist: z.string().nullable().describe("HLS with ENDLIST; null until it is complete."),
  downloads: z
    .array(z.object({ url: z.string(), byteLength: z.number() }))
    .describe("MP4; several where the picture or the sound changed; made after it is complete."),
});

/** What is kept of broadcasts, for the holder of a key with the scope "streams", and the newest picture for all. */
export function recordingRoutes(parts: {
  readonly registry: StreamRegistry;
  readonly live: Pick<LiveStreams, "view">;
  readonly mediaRoot: string;
}): Route[] {
  const { registry, mediaRoot } = parts;
  const recordings = new Recordings(mediaRoot);
  const common = { tag: "streams", access: "streams" } as const;
  const path = "/api/v1/streams/:id/recordings";
  return [
    defineRoute({
      ...common,
      method: "get",
      path,
      summary: "List the recordings of a stream, oldest first",
      answers: {
        200: {
          description: "The recordings",
          schema: z.object({ recordings: z.array(recordingSchema) }),
        },
      },
      problems: ["stream-not-found"],
      handle: async (request, response) => {
        const { id } = await namedStream(request, registry);
        response.json({ recordings: (await recordings.list(id)).map(recordingView) });
      },
    }),
    defineRoute({
      ...common,
      method: "delete",
      path: `${path}/:recording`,
      summary: "Delete a recording that is complete",
      answers: { 204: { description: "Deleted" } },
      problems: ["stream-not-found", "recording-not-found"],
      handle: async (request, response) => {
        await recordings.remove(await namedRecording(request, registry, recordings));
        response.status(204).end();
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: `${path}/:recording/:file`,
      summary: "A file of a recording: its playlist, what that names, or an MP4",
      answers: {
        200: { description: "The file", contentType: "video/mp4" },
        206: { description: "The range asked for", contentType: "video/mp4" },
      },
      problems: ["stream-not-found", "recording-not-found", "range-not-satisfiable"],
      handle: async (request, response) => {
        const recording = await namedRecording(request, registry, recordings);
        const name = String(request.params["file"]);
        const file = recordings.fileOf(recording, name);
        if (file === undefined) throw notThere();
        if (/^recording.*\.mp4$/.test(name)) {
          response.attachment(`${recording.stream}-${recording.id}${name.slice(9)}`);
        }
        await sendWhole(response, file, notThere());
      },
    }),
    thumbnailRoute(parts),
  ];
}

function thumbnailRoute({
  registry,
  live,
  mediaRoot,
}: Parameters<typeof recordingRoutes>[0]): Route {
  return defineRoute({
    tag: "streams",
    method: "get",
    path: "/api/v1/streams/:id/thumbnail.jpg",
    summary: "A small picture of what is on air, some seconds old; encrypted streams have none",
    answers: {
      200: { description: "The picture", contentType: "image/jpeg" },
      304: { description: "The client has it" },
    },
    problems: ["stream-not-found", "stream-offline", "media-not-found"],
    handle: async (request, response) => {
      const { id } = await namedStream(request, registry);
      const view = await live.view(id);
      if (view?.state === undefined || view.state === "offline") {
        throw refusal("stream-offline", "Nobody publishes to the stream.");
      }
      response.set("Cache-Control", `public, max-age=${THUMBNAIL_MAX_AGE_S}`);
      await sendWhole(
        response,
        thumbnailPath(mediaRoot, id),
        refusal("media-not-found", "There is no picture of the stream yet."),
      );
    },
  });
}

/** Throws StarlingError "stream-not-found" or "recording-not-found". */
async function namedRecording(
  request: Request,
  registry: StreamRegistry,
  recordings: Recordings,
): Promise<Recording> {
  const { id } = await namedStream(request, registry);
  const recording = await recordings.get(id, String(request.params["recording"]));
  if (recording === undefined || recording.isOpen) throw notThere();
  return recording;
}

function recordingView(recording: Recording): z.output<typeof recordingSchema> {
  const { stream, id, isOpen, startedAtMs, durationMs, byteLength, downloads } = recording;
  const folder = `/api/v1/streams/${stream}/recordings/${id}`;
  return {
    ...{ id, state: isOpen ? "recording" : "complete", byteLength },
    startedAt: new Date(startedAtMs).toISOString(),
    durationS: durationMs / 1000,
    playlist: isOpen ? null : `${folder}/${Recordings.PLAYLIST}`,
    downloads: downloads.map(({ name, byteLength: bytes }) => ({
      url: `${folder}/${name}`,
      byteLength: bytes,
    })),
  };
}

function notThere(): Error {
  return refusal("recording-not-found", "List the recordings: it is being made, or was removed.");
}

/** Sends a file that may not be there. Ranges and validators are answered as they should be. */
function sendWhole(response: Response, file: string, missing: Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const choices = { dotfiles: "allow", cacheControl: false } as const;
    response.sendFile(file, choices, (error?: Error & { status?: number }) => {
      if (error === undefined || errorCode(error) === "ECONNABORTED" || response.destroyed)
        resolve();
      else reject(error.status === 404 ? missing : error);
    });
  });
}
