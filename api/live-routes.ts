import type { Request, Response } from "express";
import { type BlockId, errorCode, INIT_PART, isBlockId, isStreamId } from "../core/index.ts";
import type { ManifestLog, Timeline } from "../pipeline/index.ts";
import { type LiveStreams, type LiveView, renderMasterPlaylist } from "./live-streams.ts";
import type { ApiMetrics } from "./metrics.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import type { TrafficLedger } from "./traffic-ledger.ts";

export interface LiveRouteParts {
  readonly live: LiveStreams;
  readonly timeline: Timeline;
  readonly manifests: ManifestLog;
  readonly mediaRoot: string;
  readonly traffic: TrafficLedger;
  readonly metrics: ApiMetrics;
}

const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
const IMMUTABLE = "public, max-age=31536000, immutable";
const RENDITION = 0;
const INIT_PREFIX = "init-";

/** The HTTP fallback: playlists, segments and manifests under `/live/:stream/`. */
export function liveRoutes(parts: LiveRouteParts): Route[] {
  const playlist = (name: string, summary: string, render: (view: LiveView) => string): Route =>
    defineRoute({
      method: "get",
      path: `/live/:stream/${name}`,
      tag: "live",
      summary,
      answers: { 200: { description: "The playlist", contentType: PLAYLIST_TYPE } },
      problems: ["stream-not-found", "stream-offline"],
      handle: async (request, response) => {
        const view = await onAir(request, parts.live);
        response.set("Cache-Control", "no-cache").type(PLAYLIST_TYPE).send(render(view));
      },
    });
  const media = (name: string, summary: string, prefix: string): Route =>
    defineRoute({
      method: "get",
      path: `/live/:stream/${name}`,
      tag: "live",
      summary,
      answers: {
        200: { description: "The bytes; immutable", contentType: "video/mp4" },
        206: { description: "The range asked for", contentType: "video/mp4" },
        304: { description: "The client has it" },
      },
      problems: ["media-not-found", "range-not-satisfiable"],
      handle: (request, response) => sendMedia(parts, request, response, prefix),
    });
  return [
    playlist("media.m3u8", "The live media playlist", ({ playlist: text = "" }) => text),
    playlist("master.m3u8", "The multivariant playlist", ({ records }) =>
      renderMasterPlaylist(records),
    ),
    media("init-:block.mp4", "The init segment of a publish session", INIT_PREFIX),
    media(
      ":block.m4s",
      'A media segment, or a part of it: "<sequence>" or "<sequence>-<part>"',
      "",
    ),
    defineRoute({
      method: "get",
      path: "/live/:stream/:block.manifest",
      tag: "live",
      summary:
        'The signed manifest of a block: "<sequence>", of a later part "<sequence>-<part>", or "init-<sequence>"',
      answers: {
        200: { description: "A compact JWS; immutable", contentType: "application/jose" },
      },
      problems: ["media-not-found"],
      handle: (request, response) => sendManifest(parts, request, response),
    }),
  ];
}

async function onAir(request: Request, live: LiveStreams): Promise<LiveView> {
  const id = request.params["stream"];
  const view = isStreamId(id) ? await live.view(id) : undefined;
  if (view === undefined) throw refusal("stream-not-found", "Check the stream id in the address.");
  if (view.playlist === undefined) {
    throw refusal("stream-offline", "Nobody publishes to the stream. Try again in a few seconds.");
  }
  return view;
}

async function sendMedia(
  { timeline, mediaRoot, traffic, metrics }: LiveRouteParts,
  request: Request,
  response: Response,
  prefix: string,
): Promise<void> {
  const { stream, block: name } = request.params;
  const block = blockOf(`${prefix}${name}`);
  const record =
    isStreamId(stream) && block !== undefined ? await timeline.get(stream, block) : undefined;
  if (record === undefined) throw notThere();
  countSentBytes(response, (byteLength) => {
    traffic.add(record.stream, { httpBytes: byteLength });
    metrics.mediaBytes.inc({ kind: prefix === INIT_PREFIX ? "init" : "segment" }, byteLength);
  });
  // The name says it all: a session's numbered segment never changes.
  response.set("ETag", `"${record.session}-${name}"`).type("video/mp4");
  // A segment's number alone names all of its file, whatever its parts are.
  const range = String(name).includes("-")
    ? { start: record.offset, end: record.offset + record.byteLength - 1 }
    : {};
  await sendFile(response, record.path, { ...range, root: mediaRoot });
}

function sendFile(
  response: Response,
  path: string,
  where: { readonly root: string; readonly start?: number; readonly end?: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const choices = { ...where, maxAge: "365d", immutable: true, lastModified: false } as const;
    response.sendFile(path, choices, (error?: Error & { status?: number }) => {
      const clientLeft = errorCode(error) === "ECONNABORTED" || response.destroyed;
      if (error === undefined || clientLeft) resolve();
      else reject(error.status === 404 ? notThere() : error);
    });
  });
}

async function sendManifest(
  { manifests }: LiveRouteParts,
  request: Request,
  response: Response,
): Promise<void> {
  const { stream, block: name } = request.params;
  const block = blockOf(String(name));
  const jws =
    isStreamId(stream) && block !== undefined ? await manifests.get(stream, block) : undefined;
  if (jws === undefined) throw notThere();
  response.set("Cache-Control", IMMUTABLE).set("ETag", `"${jws.slice(-43)}"`);
  response.type("application/jose").send(jws);
}

const BLOCK_NAME = /^(?:init-(0|[1-9]\d{0,9})|(0|[1-9]\d{0,9})(?:-(0|[1-9]\d{0,4}))?)$/;

/** The block of a name; of a segment's number alone it is the first part. */
function blockOf(name: string): BlockId | undefined {
  const [, init, sequence = init, part = "0"] = BLOCK_NAME.exec(name) ?? [];
  if (Number(part) >= INIT_PART) return undefined;
  const block = {
    rendition: RENDITION,
    sequence: Number(sequence),
    part: init === undefined ? Number(part) : INIT_PART,
  };
  return isBlockId(block) ? block : undefined;
}

function notThere(): Error {
  return refusal(
    "media-not-found",
    "It has not been made yet, or it is too old: reload the playlist and start at the live edge.",
  );
}

/** Reports how many body bytes went out, also when the client left half-way. */
function countSentBytes(response: Response, report: (byteLength: number) => void): void {
  const { socket } = response.req;
  const before = socket.bytesWritten;
  response.once("close", () => {
    const promised = Number(response.getHeader("Content-Length") ?? 0);
    const hasBody = response.req.method === "GET" && [200, 206].includes(response.statusCode);
    if (hasBody) report(Math.min(promised, Math.max(0, socket.bytesWritten - before)));
  });
}
